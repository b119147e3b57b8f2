#pragma once

#include <tls/tls_session.hpp>

#include <cetane/base/clock.hpp>
#include <cetane/coro/task.hpp>
#include <cetane/net/connection.hpp>

#include <memory>
#include <string>

namespace cetane::detail {

/// Shakes hands on a connection, within `limit`, and then gives it the session as its filter.
///
/// The handshake itself is plain talk on the connection: reads, sends and cancellation are as
/// everywhere.
/// @param with  Whom, for errors: "example.org (192.0.2.1:443)".
task<> shake_hands(connection& peer, std::unique_ptr<tls_session>& session, std::string with,
                   duration limit);

}  // namespace cetane::detail
