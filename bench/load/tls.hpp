#pragma once

#include <memory>
#include <string>

#include "channel.hpp"
#include "options.hpp"
#include "outcome.hpp"

namespace load {

/// Shakes hands with a server whose certificate is in the file `trusted`, or of somebody there.
///
/// @throws std::runtime_error  The server has another, or is no TLS server.
std::unique_ptr<channel> open_secure(int fd, const std::string& trusted);

/// Visits the server again and again, for some time or so often, as many at a time as there are
/// connections. A visit is a connection, a handshake, one message there and back, and close_notify;
/// with `resume` each takes up the session of the one before.
outcome visit(const options& chosen);

}  // namespace load
