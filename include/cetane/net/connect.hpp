#pragma once

#include <cetane/base/clock.hpp>
#include <cetane/base/config.hpp>
#include <cetane/base/limits.hpp>
#include <cetane/coro/task.hpp>
#include <cetane/net/connection.hpp>
#include <cetane/os/address.hpp>

#include <cstdint>
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

  /// Gives up after this long, name resolution included; 30 s by default.
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

  auto operator co_await()&& { return make(std::move(*this)).operator co_await(); }

 private:
  CETANE_API static task<connection> make(connect_op op);
  static task<connection> try_all(const connect_op& op);
  static task<connection> try_one(const connect_op& op, const address& to);

  std::string host_;
  std::uint16_t port_ = 0;
  std::optional<address> to_;
  std::optional<address> from_;
  duration timeout_ = default_connect_timeout;
};

/// Connects to a TCP port. The host is a name or an IP address; of a name's addresses each is tried
/// in turn.
///
/// Suspends until the connection is made.
/// @return A connection that the caller owns.
/// @throws connect_error    Nobody accepts there; says why.
/// @throws connect_timeout  It took too long.
/// @throws resolve_error    The name has no address.
/// @par Cancellation  The attempt is given up, nothing stays behind.
inline connect_op connect(std::string host, std::uint16_t port) {
  return connect_op(std::move(host), port);
}

/// Connects to a Unix stream socket; "@name" is one in the abstract namespace. Otherwise as
/// connect().
inline connect_op connect_unix(const std::string& path) {
  return connect_op(address::unix_path(path));
}

}  // namespace cetane
