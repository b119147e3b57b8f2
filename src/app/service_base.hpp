#pragma once

#include <os/inherited_sockets.hpp>

#include <cetane/base/clock.hpp>
#include <cetane/base/limits.hpp>
#include <cetane/coro/task_context.hpp>
#include <cetane/os/address.hpp>
#include <cetane/runtime/cancel_scope.hpp>
#include <cetane/runtime/event_loop.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cetane::detail {

/// @throws std::invalid_argument  It is none.
std::uint16_t checked_port(int port);

class connection_runner;
struct loop_place;
class security;
class service_core;

/// What a service is made of, as its application and its stop see it, whatever it serves. It lives
/// as long as the `service` object and each of its handlers.
///
/// Two scopes: fork() in a handler starts tasks in `forks`, which a stop cancels at once; the
/// handlers are in `handlers`, which is shielded from that and is cancelled by itself.
class service_base {
 public:
  service_base(const service_base&) = delete;
  service_base& operator=(const service_base&) = delete;

  void keep() noexcept { ++references_; }
  void release() noexcept {
    if (--references_ == 0) delete this;
  }

  // What it is told before it starts.
  void set_name(std::string text) { name_ = std::move(text); }
  void set_host(std::string text) { host_ = std::move(text); }
  void set_port(std::uint16_t port) noexcept { port_ = port; }
  void set_unix_path(const address& path) noexcept { bound_ = path; }
  void set_grace(duration span) noexcept { grace_ = span; }
  void set_limits(const service_limits& limits) noexcept {
    limits_ = limits;
    if (limits.drain != default_drain) grace_ = limits.drain;
  }
  void set_idle_timeout(duration span) noexcept { idle_ = span; }
  service_limits& limits() noexcept { return limits_; }
  /// A socket to serve on, which somebody else has opened.
  void set_inherited(os::inherited_socket socket);
  /// Connections are served elsewhere than on the loop, at most `most` at a time.
  using runner_factory = std::function<std::unique_ptr<connection_runner>(service_core&)>;
  virtual void set_runner(runner_factory make, std::size_t most) = 0;
  void keep_on_first_loop() noexcept { first_loop_only_ = true; }
  /// Agrees with each peer before the handler is called.
  virtual void secure(std::shared_ptr<const security> how) = 0;

  const std::string& name() const noexcept { return name_; }
  const std::string& host() const noexcept { return host_; }
  const address& bound() const noexcept { return bound_; }
  bool is_unix() const noexcept { return bound_.is_unix(); }
  std::uint16_t wanted_port() const noexcept { return port_; }
  std::optional<duration> grace() const noexcept { return grace_; }
  event_loop& loop() const noexcept { return *loop_; }
  /// What it speaks: "tcp" or "udp".
  virtual std::string_view scheme() const noexcept = 0;
  bool speaks_datagrams() const noexcept { return scheme() == "udp"; }
  /// Whether somebody else has opened its socket.
  bool is_inherited() const noexcept { return is_inherited_; }

  /// Begins to listen for the children of this process, in which start() then takes the socket
  /// over. Throws as start().
  virtual void open_for_workers(const std::string& port_option) = 0;
  virtual void close_for_workers() noexcept = 0;

  // An application on several loops: the service on the first one listens, and hands connections to
  // its twins on the others.

  /// Why it cannot have twins; empty if it can, or has no use for them.
  virtual std::string why_one_loop() const { return {}; }
  /// A twin; null if it serves on the first loop only. The caller releases it.
  virtual service_core* make_twin() const { return nullptr; }
  /// Where the twins are; before it is started.
  virtual void divide_among(std::vector<loop_place>) {}

  /// Counts down with each connection; at zero no more are let in.
  void set_budget(std::uint64_t& connections_left) noexcept { budget_ = &connections_left; }

  /// Begins to listen. Throws error, which says what helps; `port_option` as in cannot_listen().
  virtual void start(event_loop& loop, cancel_scope& parent,
                     const std::string& port_option = {}) = 0;
  virtual void stop_listening() noexcept = 0;
  /// Ends the connections that are served elsewhere.
  virtual void end_outsiders() noexcept {}

  /// The socket that it serves on, as another process would take it over.
  struct open_socket {
    int fd = -1;  // -1: it does not serve
    bool removes_file = false;
  };
  virtual open_socket socket() const noexcept = 0;
  /// Another process serves on the same socket from now on, and its file is that one's. Only what
  /// runs already goes on here.
  virtual void hand_over() noexcept = 0;

  /// Stops listening and destroys the handlers, and the tasks that they have forked.
  void end_now() noexcept;

  // The steps of a stop: see stop_sequence.

  /// Cancels each handler that waits for input of which nothing has come, and so do all tasks that
  /// it waits for; says how many go on.
  virtual std::size_t cancel_idle_handlers() noexcept = 0;
  /// Cancels those that are left; what they were in the middle of counts as cut.
  virtual void cancel_handlers() noexcept = 0;
  bool all_cancelled() const noexcept { return handlers_->cancelled(); }
  /// Ends connections that only wait whether the peer takes their last bytes, where it has.
  virtual void end_delivered() noexcept = 0;
  /// Resets the connections that are left, those whose handlers still run included.
  virtual void reset_connections() noexcept = 0;
  /// Leaves the loop, of which nothing here will know any more.
  virtual void leave_loop() noexcept = 0;

  virtual std::size_t connections() const noexcept = 0;
  virtual std::size_t handlers_running() const noexcept = 0;
  virtual std::size_t connections_cut() const noexcept = 0;

 protected:
  explicit service_base(const address& unix_path) : bound_(unix_path) {}
  service_base(std::string host, std::uint16_t port) : host_(std::move(host)), port_(port) {}
  virtual ~service_base() = default;

  /// Makes the scopes on this loop.
  void enter_scopes(event_loop& loop, cancel_scope& parent);
  void leave_scopes() noexcept;
  /// Whether a handler only waits for what its peer has to say: `awaits_input(task)` tells of one
  /// task.
  ///
  /// A handler may have tasks of its own, in groups for example: then each of them waits for input,
  /// or for others of them, and one for what this handler's peer has to say.
  template <class AwaitsInput>
  static bool is_idle(task_context& handler, AwaitsInput awaits_input) noexcept {
    cancel_scope* const own = cancel_scope::outermost_of(handler);
    if (own == nullptr) return awaits_input(handler);
    bool hears_peer = false;
    bool works = false;
    own->for_each_task([&](const task_context& task) {
      if (awaits_input(task)) {
        hears_peer = true;
      } else {
        works =
            works || task.waiting == nullptr || task.waiting->kind_of_wait() == wait_kind::other;
      }
    });
    return hears_peer && !works;
  }
  /// Where to listen. On a simulated network every name is this machine's.
  address place(event_loop& loop) const;
  /// The same, or where its inherited socket is.
  address wanted_place(event_loop& loop) const { return is_inherited_ ? bound_ : place(loop); }
  /// Throws why it cannot listen there; for a real network also who does.
  [[noreturn]] void fail_listening(const address& where, int failed, bool real,
                                   const std::string& port_option) const;

  std::string name_;
  std::string host_;
  std::uint16_t port_ = 0;
  address bound_;
  os::inherited_socket inherited_;  // until it serves
  service_limits limits_;
  std::optional<duration> grace_;
  std::optional<duration> idle_;  // of silence, that end a conversation
  event_loop* loop_ = nullptr;
  std::uint64_t* budget_ = nullptr;
  bool first_loop_only_ = false;
  std::optional<cancel_scope> forks_;
  std::optional<cancel_scope> handlers_;

 private:
  bool is_inherited_ = false;
  std::size_t references_ = 1;
};

}  // namespace cetane::detail
