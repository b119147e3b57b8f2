#pragma once

#include <app/udp_service_base.hpp>
#include <app/udp_session.hpp>
#include <net/datagram_port.hpp>

#include <cetane/app/bound_handler.hpp>
#include <cetane/base/once_per.hpp>
#include <cetane/net/udp_peer.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

namespace cetane::detail {

/// A service with one handler for each peer; see udp_session_service().
class udp_session_core final : public udp_service_base, datagram_sink {
 public:
  using handler_type = handler_of<udp_peer>;

  udp_session_core(std::unique_ptr<handler_type> handler, std::string host, std::uint16_t port)
      : udp_service_base(std::move(host), port), handler_(std::move(handler)) {}

  void start(event_loop& loop, cancel_scope& parent, const std::string& port_option) override;
  void stop_listening() noexcept override;
  open_socket socket() const noexcept override;
  void hand_over() noexcept override;
  std::size_t cancel_idle_handlers() noexcept override;
  void cancel_handlers() noexcept override;
  void reset_connections() noexcept override;
  void leave_loop() noexcept override;

  std::size_t handlers_running() const noexcept override { return sessions_.size(); }
  std::size_t connections_cut() const noexcept override { return cut_; }

  // For its sessions.
  handler_type& handler() noexcept { return *handler_; }
  cancel_scope& handlers() noexcept { return *handlers_; }
  datagram_port& port() noexcept { return *socket_; }
  bool takes_sessions() const noexcept { return listening_; }
  duration idle_limit() const noexcept { return idle_.value_or(default_udp_idle); }
  void taken(std::size_t bytes) noexcept { waiting_bytes_ -= bytes; }
  void handler_ends(udp_session& of) noexcept;

 private:
  // Who sends chooses the address: so where it falls in the table depends on a number that nobody
  // knows.
  class address_hash {
   public:
    address_hash();
    std::size_t operator()(const address& of) const noexcept;

   private:
    std::uint64_t secret_;
  };

  ~udp_session_core() override { leave_loop(); }

  bool wants_datagrams() noexcept override { return !another_receives_; }
  void on_datagram(const arrived_datagram& what) noexcept override;
  void on_undelivered(const address& about, int error) noexcept override;
  udp_session* session_for(const address& peer) noexcept;
  udp_session* begin_session(const address& peer);
  void refuse(const char* why) noexcept;

  const std::unique_ptr<handler_type> handler_;
  std::optional<datagram_port> socket_;
  std::unordered_map<address, udp_session*, address_hash> sessions_;
  std::size_t most_sessions_ = default_udp_peers;
  std::size_t waiting_bytes_ = 0;  // in all sessions
  std::size_t cut_ = 0;
  bool listening_ = false;
  bool another_receives_ = false;                // another process, from the same socket
  log::once_per full_{std::chrono::minutes(1)};  // so often the log is told that there is no room
};

}  // namespace cetane::detail
