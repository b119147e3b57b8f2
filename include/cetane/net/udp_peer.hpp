#pragma once

#include <cetane/base/config.hpp>
#include <cetane/net/connection.hpp>
#include <cetane/net/datagram.hpp>
#include <cetane/net/receive_op.hpp>
#include <cetane/net/udp_send_op.hpp>
#include <cetane/os/address.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

namespace cetane {

namespace detail {
class datagram_link;
}

/// A conversation in datagrams with one peer: UDP, or Unix datagram sockets.
///
/// A handler of udp_session_service() gets a reference that is valid until it has ended;
/// connect_udp() gives one that its caller owns, with a socket of its own. Datagrams from anybody
/// else do not come here.
class CETANE_API udp_peer {
 public:
  udp_peer() noexcept = default;
  explicit udp_peer(detail::datagram_link& link) noexcept : link_(&link) {}
  udp_peer(udp_peer&& other) noexcept : link_(std::exchange(other.link_, nullptr)) {}
  udp_peer& operator=(udp_peer&& other) noexcept {
    udp_peer taken(std::move(other));
    std::swap(link_, taken.link_);
    return *this;
  }
  ~udp_peer();

  /// Suspends until a datagram has come from the peer, and takes the first.
  ///
  /// @return The datagram. An empty one is a message too; one that was longer than the limit says
  ///         so.
  /// @throws connection_error   What was sent has not come to the peer: nobody receives there, for
  ///                            example. Said once for each time that somebody tells; the
  ///                            conversation may go on.
  /// @throws connection_closed  It was closed on this side.
  /// @throws timed_out          A session's peer was silent for longer than the service's limit.
  /// @par Cancellation  Nothing is consumed.
  receive_op receive() { return receive_op(inbox()); }

  /// As receive(), but gives an empty optional when it was closed or the peer was silent too long.
  receive_next_op next() { return receive_next_op(inbox()); }

  /// Sends the parts as one datagram to the peer; see udp_socket::send(). Of one that is refused
  /// when it leaves, later than at the call, the next receive() tells.
  template <class... Parts>
  udp_send_op send(const Parts&... parts) {
    const std::array<std::string_view, sizeof...(Parts)> list{detail::bytes_of(parts)...};
    return send_parts(list.data(), list.size());
  }

  /// As send(), but never waits and says false, and sends nothing, when it would have to, or when
  /// it cannot be sent.
  template <class... Parts>
  bool try_send(const Parts&... parts) {
    const std::array<std::string_view, sizeof...(Parts)> list{detail::bytes_of(parts)...};
    return try_send_parts(list.data(), list.size());
  }

  /// Ends the conversation: what has come can still be received.
  void close();
  bool is_closed() const;

  /// The peer's address, and ours.
  const address& remote() const;
  const address& local() const;
  /// Datagrams from the peer, or to it, that were lost here for want of room; at least so many,
  /// since what the kernel had merged counts once.
  std::uint64_t dropped() const;

  explicit operator bool() const noexcept { return link_ != nullptr; }

 private:
  detail::datagram_link& link() const;
  detail::datagram_inbox& inbox() const;
  udp_send_op send_parts(const std::string_view* parts, std::size_t count);
  bool try_send_parts(const std::string_view* parts, std::size_t count);

  detail::datagram_link* link_ = nullptr;
};

/// diesel's name for the side that speaks first.
using udp_client = udp_peer;

}  // namespace cetane
