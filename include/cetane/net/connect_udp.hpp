#pragma once

#include <cetane/base/clock.hpp>
#include <cetane/base/config.hpp>
#include <cetane/base/limits.hpp>
#include <cetane/coro/task.hpp>
#include <cetane/net/udp_peer.hpp>
#include <cetane/os/address.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace cetane {

/// A conversation to be begun, by connect_udp() or connect_unix_datagram().
class [[nodiscard("a connect does nothing until it is awaited")]] connect_udp_op {
 public:
  connect_udp_op(std::string host, std::uint16_t port) : host_(std::move(host)), port_(port) {}
  explicit connect_udp_op(const address& to) : to_(to) {}

  /// Gives up finding the name's address after this long; 30 s by default.
  connect_udp_op&& timeout(any_duration limit)&& {
    timeout_ = limit;
    return std::move(*this);
  }

  /// Sends from this local address; port 0 leaves the port to the system.
  connect_udp_op&& from(const address& source)&& {
    from_ = source;
    return std::move(*this);
  }

  auto operator co_await()&& { return make(std::move(*this)).operator co_await(); }

 private:
  CETANE_API static task<udp_peer> make(connect_udp_op op);
  static task<udp_peer> try_all(const connect_udp_op& op);
  static udp_peer try_one(const connect_udp_op& op, const address& to);

  std::string host_;
  std::uint16_t port_ = 0;
  std::optional<address> to_;
  std::optional<address> from_;
  duration timeout_ = default_connect_timeout;
};

/// Begins a conversation with a UDP port. The host is a name or an IP address.
///
/// Nothing is sent: whether somebody receives there is not known before something is. Suspends
/// until the name has an address.
/// @return A peer that the caller owns.
/// @throws connect_error    No way leads there; says why.
/// @throws connect_timeout  It took too long.
/// @throws resolve_error    The name has no address.
/// @par Cancellation  The attempt is given up, nothing stays behind.
inline connect_udp_op connect_udp(std::string host, std::uint16_t port) {
  return connect_udp_op(std::move(host), port);
}
inline connect_udp_op connect_udp(const address& to) { return connect_udp_op(to); }

/// Begins one with a Unix datagram socket; "@name" is one in the abstract namespace. This end gets
/// an abstract name of the system's, so that the other one can answer. Otherwise as connect_udp().
inline connect_udp_op connect_unix_datagram(const std::string& path) {
  return connect_udp_op(address::unix_path(path));
}

}  // namespace cetane
