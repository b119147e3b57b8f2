#pragma once

#include <net/datagram_inbox.hpp>
#include <net/datagram_port.hpp>

#include <cetane/net/udp_socket.hpp>
#include <cetane/sync/queue.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

namespace cetane::detail {

/// What a udp_socket stands for: receives from the system when somebody wants a datagram, and no
/// sooner.
class plain_socket final : public datagram_inbox, datagram_sink {
 public:
  explicit plain_socket(event_loop& loop) noexcept : port_(loop, *this) {}
  ~plain_socket() { end(); }

  int open(const address& at, datagram_request request) {
    request.merged = true;
    return port_.open(at, request);
  }
  int adopt(unique_fd shared, const address& bound, bool removes_file) {
    return port_.adopt(std::move(shared), bound, removes_file);
  }
  void end() noexcept;
  /// Nothing more comes in than what has come; sending goes on.
  void end_input() noexcept;

  /// What `handle` stands for; null if nothing.
  static plain_socket* of(const udp_socket& handle) noexcept { return handle.core_; }

  datagram_port& port() noexcept { return port_; }
  /// How many datagrams were received from it.
  std::uint64_t taken() const noexcept { return taken_; }
  queue<undelivered>& notes() noexcept { return notes_; }
  std::string describe() const override { return "datagram at " + port_.bound().to_string(); }

 private:
  bool wants_datagrams() noexcept override { return is_awaited() && is_empty(); }
  void on_datagram(const os::arrived_datagram& what) noexcept override;
  void on_undelivered(const address& about, int error) noexcept override;
  void look() noexcept override { port_.read(); }
  void on_taken(std::size_t) noexcept override { ++taken_; }
  void throw_closed() const override;
  void throw_silence() const override { throw_closed(); }
  void throw_undelivered(int) const override { throw_closed(); }

  datagram_port port_;
  queue<undelivered> notes_{default_undelivered_limit};
  std::uint64_t taken_ = 0;
};

}  // namespace cetane::detail
