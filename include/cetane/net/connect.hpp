#pragma once

#include <cetane/base/clock.hpp>
#include <cetane/base/config.hpp>
#include <cetane/base/limits.hpp>
#include <cetane/coro/task.hpp>
#include <cetane/net/connection.hpp>
#include <cetane/net/security.hpp>
#include <cetane/os/address.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace cetane {

/// A connection to be made, by connect() or connect_unix(): `co_await connect(host,
/// port).timeout(5s)`.
class [[nodiscard("a connect does nothing until it is awaited")]] connect_op {
 public:
  connect_op(std::string host, std::uint16_t port) : host_(std::move(host)), port_(port) {}
  explicit connect_op(const address& to) : to_(to) {}

  /// Gives up after this long, name resolution and TLS included; 30 s by default.
  connect_op&& timeout(any_duration limit)&& {
    timeout_ = limit;
    return std::move(*this);
  }

  /// Connects from this local address; port 0 leaves the port to the system.
  connect_op&& from(const address& source)&& {
    from_ = source;
    return std::move(*this);
  }

  /// Connects from this local IP address.
  /// @throws std::invalid_argument  The text is no IP address.
  CETANE_API connect_op&& from(const std::string& ip)&&;

  /// When the host has several addresses: tries the next one after this long without an answer;
  /// 250 ms by default.
  /// @throws std::invalid_argument  It is not between 100 ms and 2 s (RFC 8305, section 5).
  CETANE_API connect_op&& attempt_delay(any_duration delay)&&;

  /// Gives the connection these limits from its start.
  connect_op&& limits(const connection_limits& limits)&& {
    limits_ = limits;
    return std::move(*this);
  }

  /// Makes the connection secure before it is handed out: `how` is a tls_context, of
  /// <cetane/tls/tls.hpp>. The peer's certificate must be of `name`, by default the host that was
  /// asked for.
  connect_op&& tls(std::shared_ptr<const detail::security> how, std::string name = {})&& {
    security_ = std::move(how);
    expected_ = std::move(name);
    return std::move(*this);
  }

  auto operator co_await()&& { return make(std::move(*this)).operator co_await(); }

 private:
  class attempt;

  CETANE_API static task<connection> make(connect_op op);

  std::string host_;
  std::uint16_t port_ = 0;
  std::optional<address> to_;
  std::optional<address> from_;
  std::optional<connection_limits> limits_;
  std::shared_ptr<const detail::security> security_;
  std::string expected_;
  duration timeout_ = default_connect_timeout;
  duration attempt_delay_ = default_attempt_delay;
};

/// Connects to a TCP port. The host is a name or an IP address.
///
/// Of a name's addresses (see resolve()) the first is tried, and then, IPv6 and IPv4 by turns, one
/// more every 250 ms and whenever one has failed, while those before may still answer: the first
/// that does is taken (RFC 8305, "happy eyeballs"). Suspends until the connection is made.
/// @return A connection that the caller owns.
/// @throws connect_error    Nobody accepts there; says what was tried and why each failed, and
///                          code() is that of the first.
/// @throws connect_timeout  It took too long.
/// @throws resolve_error    The name has no address.
/// @throws tls_error        With tls(): there was no agreement, or the peer is not to be trusted.
/// @par Cancellation  All attempts are given up, nothing stays behind.
inline connect_op connect(std::string host, std::uint16_t port) {
  return connect_op(std::move(host), port);
}

/// Connects to a Unix stream socket; "@name" is one in the abstract namespace. Otherwise as
/// connect().
inline connect_op connect_unix(const std::string& path) {
  return connect_op(address::unix_path(path));
}

}  // namespace cetane
