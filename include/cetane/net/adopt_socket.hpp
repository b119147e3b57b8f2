#pragma once

#include <cetane/base/config.hpp>
#include <cetane/base/limits.hpp>
#include <cetane/net/connection.hpp>
#include <cetane/os/unique_fd.hpp>

namespace cetane {

/// Makes a connection of a connected stream socket that was opened elsewhere: by a process that has
/// handed it over (connection::take_descriptor()), by socketpair(), by another library.
///
/// Within an event loop, whose connection it becomes. Never suspends. The socket is made
/// non-blocking, for everybody who has it open, too. What somebody else still reads from it is
/// missing here.
/// @return A connection that the caller owns, with the default limits or with these.
/// @throws error             It is no connected stream socket of TCP or of Unix; it is closed.
/// @throws std::logic_error  There is no event loop on this thread, or its network is simulated.
CETANE_API connection adopt_socket(unique_fd socket);
CETANE_API connection adopt_socket(unique_fd socket, const connection_limits& limits);

}  // namespace cetane
