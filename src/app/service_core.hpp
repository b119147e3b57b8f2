#pragma once

#include <app/connection_runner.hpp>
#include <app/session.hpp>
#include <net/listener.hpp>
#include <net/listening_socket.hpp>

#include <cetane/app/bound_handler.hpp>
#include <cetane/base/clock.hpp>
#include <cetane/base/intrusive_list.hpp>
#include <cetane/base/limits.hpp>
#include <cetane/base/once_per.hpp>
#include <cetane/os/address.hpp>
#include <cetane/runtime/cancel_scope.hpp>
#include <cetane/runtime/event_loop.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace cetane::detail {

/// What a service is made of. It lives as long as the `service` object and each of its sessions.
///
/// Two scopes: fork() in a handler starts tasks in `forks`, which a stop cancels at once; the
/// handlers are in `handlers`, which is shielded from that and is cancelled by itself.
class service_core final : public accept_sink {
 public:
  service_core(std::unique_ptr<bound_handler> handler, const address& unix_path);
  service_core(std::unique_ptr<bound_handler> handler, std::string host, std::uint16_t port);

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
  void set_limits(const service_limits& limits) noexcept;
  service_limits& limits() noexcept { return limits_; }
  /// Connections are served elsewhere than on the loop, at most `most` at a time.
  using runner_factory = std::function<std::unique_ptr<connection_runner>(service_core&)>;
  void set_runner(runner_factory make, std::size_t most);

  const std::string& name() const noexcept { return name_; }
  const std::string& host() const noexcept { return host_; }
  const address& bound() const noexcept { return bound_; }
  bool is_unix() const noexcept { return bound_.is_unix(); }
  std::uint16_t wanted_port() const noexcept { return port_; }
  std::optional<duration> grace() const noexcept { return grace_; }
  event_loop& loop() const noexcept { return *loop_; }

  /// Begins to listen for the children of this process, in which start() then takes the socket
  /// over. Throws as start().
  void open_for_workers(const std::string& port_option);
  void close_for_workers() noexcept { shared_.reset(); }

  /// Counts down with each connection; at zero no more are let in.
  void set_budget(std::uint64_t& connections_left) noexcept { budget_ = &connections_left; }

  /// Begins to listen. Throws error, which says what helps; `port_option` as in cannot_listen().
  void start(event_loop& loop, cancel_scope& parent, const std::string& port_option = {});
  void stop_listening() noexcept {
    listener_.reset();
    stopped_ = true;
  }
  /// Ends the connections that are served elsewhere.
  void end_outsiders() noexcept { runner_.reset(); }

  /// A service with the same handler and limits, for one connection on another loop. This one lives
  /// longer; the caller releases what it gets.
  service_core* make_for_one() const;
  /// Begins to serve without a listener: serve() gives it what it serves.
  void enter(event_loop& loop, cancel_scope& parent);
  void serve(unique_fd accepted, const address& peer);

  /// Stops listening and destroys the handlers, and the tasks that they have forked.
  void end_now() noexcept;

  // The steps of a stop: see stop_sequence.

  /// Cancels each handler that waits for input of which nothing has come, and so do all tasks that
  /// it waits for; says how many go on.
  std::size_t cancel_idle_handlers() noexcept;
  /// Cancels those that are left; what they were in the middle of counts as cut.
  void cancel_handlers() noexcept;
  bool all_cancelled() const noexcept { return handlers_->cancelled(); }
  /// Ends connections that only wait whether the peer takes their last bytes, where it has.
  void end_delivered() noexcept;
  /// Resets the connections that are left, those whose handlers still run included.
  void reset_connections() noexcept;
  /// Leaves the loop, of which nothing here will know any more.
  void leave_loop() noexcept;

  std::size_t connections() const noexcept { return sessions_; }
  std::size_t handlers_running() const noexcept { return handlers_running_; }
  std::size_t connections_cut() const noexcept { return cut_ + cut_outside_; }

  // What its sessions tell.
  void session_begins() noexcept;
  void session_ends() noexcept;
  void handler_ends(session& of) noexcept;

  // What a runner tells of a connection that is served elsewhere.
  void outsider_begins() noexcept;
  void outsider_ends() noexcept;

 private:
  ~service_core();

  void on_accept(int descriptor, const address& peer) noexcept override;
  bool has_room() noexcept override;
  void begin_session(int descriptor, const address& peer);
  address place(event_loop& loop) const;
  void listen_at(const address& where, const std::string& port_option);
  static bool is_idle(session& one) noexcept;
  [[noreturn]] void fail_listening(const address& where, int failed, bool real,
                                   const std::string& port_option) const;
  void cut(session& one) noexcept;

  std::unique_ptr<bound_handler> handler_;
  std::string name_;
  std::string host_;
  std::uint16_t port_ = 0;
  address bound_;
  service_limits limits_;
  std::optional<duration> grace_;
  runner_factory make_runner_;
  std::size_t most_outside_ = 0;
  std::size_t most_sessions_ = 0;
  std::size_t references_ = 1;
  std::size_t sessions_ = 0;
  std::size_t handlers_running_ = 0;
  std::size_t cut_ = 0;
  std::size_t cut_outside_ = 0;
  log::once_per full_{std::chrono::minutes(1)};  // so often the log is told that there is no room
  event_loop* loop_ = nullptr;
  std::optional<listening_socket> shared_;
  std::optional<listener> listener_;
  std::uint64_t* budget_ = nullptr;
  std::optional<cancel_scope> forks_;
  std::optional<cancel_scope> handlers_;
  intrusive_list<task_context, cancel_scope> ended_;  // sessions whose handlers have ended
  std::unique_ptr<connection_runner> runner_;
  bool stopped_ = false;  // no handler begins any more
};

}  // namespace cetane::detail
