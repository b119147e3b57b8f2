#pragma once

#include <app/connection_runner.hpp>
#include <app/loop_runner.hpp>
#include <app/service_base.hpp>
#include <app/session.hpp>
#include <net/listener.hpp>
#include <net/listening_socket.hpp>

#include <cetane/app/bound_handler.hpp>
#include <cetane/base/intrusive_list.hpp>
#include <cetane/base/once_per.hpp>
#include <cetane/net/security.hpp>
#include <cetane/os/address.hpp>
#include <cetane/runtime/event_loop.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cetane::detail {

/// What a service of connections is made of.
class service_core final : public service_base, public accept_sink {
 public:
  service_core(std::unique_ptr<bound_handler> handler, const address& unix_path);
  service_core(std::unique_ptr<bound_handler> handler, std::string host, std::uint16_t port);

  void set_runner(runner_factory make, std::size_t most) override;
  void secure(std::shared_ptr<const security> how) override;
  std::string_view scheme() const noexcept override { return "tcp"; }

  void open_for_workers(const std::string& port_option) override;
  void close_for_workers() noexcept override { shared_.reset(); }
  void start(event_loop& loop, cancel_scope& parent, const std::string& port_option = {}) override;
  void stop_listening() noexcept override {
    listener_.reset();
    stopped_ = true;
  }
  void end_outsiders() noexcept override { runner_.reset(); }
  open_socket socket() const noexcept override;
  void hand_over() noexcept override;

  /// A service with the same handler and limits, for one connection on another loop. This one lives
  /// longer; the caller releases what it gets.
  service_core* make_for_one() const;
  /// Begins to serve without a listener: serve() gives it what it serves.
  void enter(event_loop& loop, cancel_scope& parent) { enter_scopes(loop, parent); }
  void serve(unique_fd accepted, const address& peer);

  std::string why_one_loop() const override;
  service_core* make_twin() const override;
  void divide_among(std::vector<loop_place> others) override;
  /// On the loop where it listens: serves this connection here.
  void serve_here(unique_fd accepted, const address& peer);
  /// Of a twin: serves a connection, and tells when it is over.
  void serve_handed_over(loop_runner_line from, unique_fd accepted, const address& peer) noexcept;

  std::size_t cancel_idle_handlers() noexcept override;
  void cancel_handlers() noexcept override;
  void end_delivered() noexcept override;
  void reset_connections() noexcept override;
  void leave_loop() noexcept override;

  std::size_t connections() const noexcept override { return sessions_; }
  std::size_t handlers_running() const noexcept override { return handlers_running_; }
  std::size_t connections_cut() const noexcept override { return cut_ + cut_outside_; }

  // What its sessions tell.
  void session_begins() noexcept;
  void session_ends() noexcept;
  void handler_ends(session& of) noexcept;

  // What a runner tells of a connection that is served elsewhere.
  void outsider_begins() noexcept;
  void outsider_ends() noexcept;

 private:
  ~service_core() override;

  void on_accept(int descriptor, const address& peer) noexcept override;
  bool has_room() noexcept override;
  void begin_session(int descriptor, const address& peer);
  void begin_here(int descriptor, const address& peer);
  void tell_settled() noexcept;
  void listen_at(const address& where, const std::string& port_option);
  void cut(session& one) noexcept;

  std::unique_ptr<bound_handler> handler_;
  std::shared_ptr<const security> security_;
  runner_factory make_runner_;
  std::size_t most_outside_ = 0;
  std::size_t most_sessions_ = 0;
  std::size_t sessions_ = 0;
  std::size_t handlers_running_ = 0;
  std::size_t cut_ = 0;
  std::size_t cut_outside_ = 0;
  log::once_per full_{std::chrono::minutes(1)};  // so often the log is told that there is no room
  std::optional<listening_socket> shared_;
  std::optional<listener> listener_;
  intrusive_list<task_context, cancel_scope> ended_;  // sessions whose handlers have ended
  std::unique_ptr<connection_runner> runner_;
  bool stopped_ = false;  // no handler begins any more
  std::size_t further_loops_ = 0;
  bool is_twin_ = false;  // another loop accepts for it
  std::uint64_t handed_over_ = 0;
  std::optional<loop_runner_line> to_first_loop_;
};

}  // namespace cetane::detail
