#pragma once

#include <cetane/base/config.hpp>
#include <cetane/base/limits.hpp>
#include <cetane/net/connection.hpp>
#include <cetane/net/datagram.hpp>
#include <cetane/net/receive_op.hpp>
#include <cetane/net/udp_send_op.hpp>
#include <cetane/os/address.hpp>
#include <cetane/sync/queue.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace cetane {

namespace detail {
class plain_socket;
}  // namespace detail

/// Who else may bind a socket to the same port.
enum class port_sharing : std::uint8_t {
  none,    ///< nobody
  to_one,  ///< others who say the same; each datagram goes to one of them
  to_all,  ///< others who say the same; each multicast or broadcast datagram goes to all of them
};

/// A datagram that was sent and has not come to where it was to go.
class undelivered {
 public:
  undelivered(const address& where, std::error_code reason) noexcept : to(where), why(reason) {}

  address to;
  std::error_code why;  ///< connection refused, for example: nobody receives there
};

/// A socket for datagrams to and from anybody: UDP, or a Unix datagram socket.
///
/// A handler of udp_service() gets a reference that is valid until it has ended; bind() gives one
/// that its caller owns. Any number of tasks may receive, first come, first served, and send.
///
/// Between the network and receive() datagrams wait in the system's buffer for the socket. When
/// that is full the latest are dropped, which dropped() counts where the system says so. Nothing
/// that becomes of a datagram ends the socket, or concerns another one.
class CETANE_API udp_socket {
 public:
  udp_socket() noexcept = default;
  explicit udp_socket(detail::plain_socket& core) noexcept : core_(&core) {}
  udp_socket(udp_socket&& other) noexcept : core_(std::exchange(other.core_, nullptr)) {}
  udp_socket& operator=(udp_socket&& other) noexcept {
    udp_socket taken(std::move(other));
    std::swap(core_, taken.core_);
    return *this;
  }
  ~udp_socket();

  /// Makes a socket that receives at this address; port 0 is any free one. A Unix path is replaced
  /// when nobody receives there any more, and removed at the end.
  ///
  /// @throws error  It is in use, or not this machine's.
  [[nodiscard]] static udp_socket bind(const address& where,
                                       port_sharing sharing = port_sharing::none);
  /// The same with an IP address as text.
  /// @throws std::invalid_argument  The text is none.
  [[nodiscard]] static udp_socket bind(const std::string& ip, std::uint16_t port,
                                       port_sharing sharing = port_sharing::none);

  /// Suspends until a datagram has come, and takes the first.
  ///
  /// @return The datagram with its sender. An empty one is a message too; one that was longer than
  ///         the limit says so.
  /// @throws connection_closed  The socket was closed on this side.
  /// @par Cancellation  Nothing is consumed.
  receive_op receive() { return receive_op(inbox()); }

  /// As receive(), but gives an empty optional when the socket was closed.
  receive_next_op next() { return receive_next_op(inbox()); }

  /// Sends the parts as one datagram.
  ///
  /// It leaves at the call, or together with others: to an address to which one has left before, or
  /// from which one has come, UDP datagrams of up to 4 KiB leave at the end of the loop's pass, in
  /// their order. While the system takes none it is queued, and awaiting the result waits while
  /// more than 64 KiB are, until 16 KiB are left; who does not await it drops what is beyond
  /// 256 KiB. Text and bytes of any kind; they may die right after.
  /// @throws message_too_long   (from the call) Longer than a datagram can be.
  /// @throws error              (from the call) It cannot be sent there, for this datagram's sake.
  ///                            Of one that leaves later next_undelivered() tells.
  /// @throws connection_closed  The socket was closed.
  /// @par Cancellation  Takes nothing back that was sent or queued.
  template <class... Parts>
  udp_send_op send(const address& to, const Parts&... parts) {
    const std::array<std::string_view, sizeof...(Parts)> list{detail::bytes_of(parts)...};
    return send_parts(to, list.data(), list.size());
  }

  /// As send(), but never waits and says false, and sends nothing, when it would have to, or when
  /// it cannot be sent.
  template <class... Parts>
  bool try_send(const address& to, const Parts&... parts) {
    const std::array<std::string_view, sizeof...(Parts)> list{detail::bytes_of(parts)...};
    return try_send_parts(to, list.data(), list.size());
  }

  /// Suspends until somebody on the way, or the system that was to send it, says of a datagram that
  /// it has not come to its place, and tells which; an empty optional when the socket was closed.
  ///
  /// 64 such notes are kept, the oldest go first. Most losses nobody tells of.
  auto next_undelivered() { return notes().next(); }

  /// Lets datagrams go to broadcast addresses.
  /// @throws error  The system refuses.
  udp_socket& allow_broadcast(bool allowed = true);
  /// Joins a multicast group, or leaves it: on the interface with the address `on` for IPv4; IPv6
  /// groups name theirs: ff02::1%eth0.
  /// @throws error  The system refuses.
  udp_socket& join(const address& group, const address& on = address());
  udp_socket& leave(const address& group, const address& on = address());

  /// The longest datagram that is received whole, and the marks of the output.
  udp_socket& limits(const udp_limits& limits);

  /// Closes the socket: what has come can still be received, what waits until the system takes it
  /// is dropped.
  void close();
  bool is_closed() const;

  /// Where it receives, with the real port.
  const address& local() const;
  /// Bytes that wait until the system takes them, with the memory that they take besides.
  std::size_t queued_bytes() const;
  /// Datagrams that were lost here for want of room, in or out; at least so many, since what the
  /// kernel had merged counts once.
  std::uint64_t dropped() const;

  explicit operator bool() const noexcept { return core_ != nullptr; }

 private:
  friend detail::plain_socket;

  detail::datagram_inbox& inbox() const;
  queue<undelivered>& notes() const;
  detail::plain_socket& core() const;
  udp_send_op send_parts(const address& to, const std::string_view* parts, std::size_t count);
  bool try_send_parts(const address& to, const std::string_view* parts, std::size_t count);

  detail::plain_socket* core_ = nullptr;
};

}  // namespace cetane
