#pragma once

#include <cetane/app/bound_handler.hpp>
#include <cetane/app/service.hpp>
#include <cetane/base/config.hpp>
#include <cetane/net/udp_peer.hpp>
#include <cetane/net/udp_socket.hpp>

#include <memory>
#include <string>
#include <utility>

namespace cetane {

namespace detail {

CETANE_API service make_udp_service(std::unique_ptr<handler_of<udp_socket>> handler, int port);
CETANE_API service make_udp_service(std::unique_ptr<handler_of<udp_socket>> handler,
                                    const std::string& path);
CETANE_API service make_udp_session_service(std::unique_ptr<handler_of<udp_peer>> handler,
                                            int port);

template <class Handler, class... State>
auto bind_socket_handler(Handler&& handler, State&&... state) {
  static_assert(can_handle<udp_socket, Handler, State...>,
                "a udp_service's handler is a coroutine `cetane::task<> handler("
                "cetane::udp_socket& socket, state&...)`, with one parameter for each further "
                "argument of the service");
  return bind_handler_of<udp_socket>(std::forward<Handler>(handler), std::forward<State>(state)...);
}

template <class Handler, class... State>
auto bind_peer_handler(Handler&& handler, State&&... state) {
  static_assert(can_handle<udp_peer, Handler, State...>,
                "a udp_session_service's handler is a coroutine `cetane::task<> handler("
                "cetane::udp_peer& peer, state&...)`, with one parameter for each further argument "
                "of the service");
  return bind_handler_of<udp_peer>(std::forward<Handler>(handler), std::forward<State>(state)...);
}

}  // namespace detail

/// Makes a service with one task for a UDP socket: `handler(udp_socket&, state&...)` is called when
/// it starts.
///
/// When the handler returns the service has ended, and its socket is closed. An exception that ends
/// it is logged, and it is called again: at once, or half a second later if it had not received
/// anything; what has come meanwhile waits.
/// connection_closed of its own socket is its normal end. The socket is bound to 127.0.0.1, see
/// service::host(). Otherwise as service.
/// @throws std::invalid_argument  The port is none.
template <class Handler, class... State>
service udp_service(Handler&& handler, int port, State&&... state) {
  return detail::make_udp_service(
      detail::bind_socket_handler(std::forward<Handler>(handler), std::forward<State>(state)...),
      port);
}

/// The same on a Unix datagram socket; "@name" is one in the abstract namespace.
///
/// A file that a dead server has left there is replaced, and removed at the end.
template <class Handler, class... State>
service unix_datagram_service(Handler&& handler, const std::string& path, State&&... state) {
  return detail::make_udp_service(
      detail::bind_socket_handler(std::forward<Handler>(handler), std::forward<State>(state)...),
      path);
}

/// Makes a UDP service with one task for each peer: `handler(udp_peer&, state&...)` is called for
/// the first datagram of a peer, and receives what that peer sends until it has ended.
///
/// What it has not received then begins the next session. A session in which its peer is silent for
/// service::idle_timeout(), 60 s by default, ends: receive() throws timed_out, next() gives
/// nothing. There are service::max_connections() sessions at most, 10,000 by default: the datagrams
/// of further peers are dropped, and those that have a session keep it. For each 64 datagrams or
/// 256 KiB wait, for all together 16 MiB; what comes beyond that is dropped. All of these are
/// counted, see loop_stats::datagrams_dropped, and limits() sets them. That nobody receives at a
/// peer's address any more is said to its session alone.
/// @throws std::invalid_argument  The port is none.
template <class Handler, class... State>
service udp_session_service(Handler&& handler, int port, State&&... state) {
  return detail::make_udp_session_service(
      detail::bind_peer_handler(std::forward<Handler>(handler), std::forward<State>(state)...),
      port);
}

}  // namespace cetane
