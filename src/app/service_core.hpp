#pragma once

#include <app/session.hpp>
#include <net/listener.hpp>

#include <cetane/app/bound_handler.hpp>
#include <cetane/base/intrusive_list.hpp>
#include <cetane/base/limits.hpp>
#include <cetane/os/address.hpp>
#include <cetane/runtime/cancel_scope.hpp>
#include <cetane/runtime/event_loop.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>

namespace cetane::detail {

/// What a service is made of. It lives as long as the `service` object or one of its sessions.
///
/// Two scopes: fork() in a handler starts tasks in `forks`, which a stop cancels at once; the
/// handlers are in `handlers`, which is shielded from that and is cancelled on its own.
class service_core final : public accept_sink {
 public:
  service_core(std::unique_ptr<bound_handler> handler, std::string host, std::uint16_t port);
  service_core(std::unique_ptr<bound_handler> handler, const address& path);

  void keep() noexcept { ++references_; }
  void release() noexcept {
    if (--references_ == 0) delete this;
  }

  // What the service is told before it starts.
  void set_name(std::string text) { name_ = std::move(text); }
  void set_host(std::string text) { host_ = std::move(text); }
  void set_port(std::uint16_t port) noexcept { port_ = port; }
  service_limits& limits() noexcept { return limits_; }

  const std::string& name() const noexcept { return name_; }
  event_loop& loop() const noexcept { return *loop_; }
  const address& bound() const noexcept { return bound_; }

  /// Begins to listen. Throws error, with a text that tells what helps.
  void start(event_loop& loop, cancel_scope& parent);
  void stop_listening() noexcept;

  std::size_t connections() const noexcept { return sessions_; }

  // What its sessions tell.
  void session_begins() noexcept;
  void session_ends() noexcept;
  void handler_ends(session& of) noexcept;

 private:
  ~service_core();

  void on_accept(int descriptor, const address& peer) noexcept override;
  bool has_room() noexcept override;
  void begin_session(int descriptor, const address& peer);
  address where() const;

  std::unique_ptr<bound_handler> handler_;
  std::string name_;
  std::string host_;
  std::uint16_t port_ = 0;
  address bound_;
  service_limits limits_;
  std::size_t most_sessions_ = 0;
  std::size_t references_ = 1;
  std::size_t sessions_ = 0;
  std::size_t handlers_running_ = 0;
  event_loop* loop_ = nullptr;
  std::optional<listener> listener_;
  std::optional<cancel_scope> forks_;
  std::optional<cancel_scope> handlers_;
  intrusive_list<task_context, cancel_scope> ended_;  // sessions whose handlers have ended
};

}  // namespace cetane::detail
