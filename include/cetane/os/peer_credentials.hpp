#pragma once

#include <cstdint>

namespace cetane {

/// Who is at the other end of a Unix socket: a process, and the user and the group that it ran as
/// when it connected, or when it began to listen (unix(7), SO_PEERCRED).
///
/// The kernel says so, not the peer. The process may have ended since, or have given the socket to
/// another one: trust the user and the group, and take the number of the process as a word for the
/// log.
struct peer_credentials {
  int pid = 0;            ///< 0: a process that is not to be seen from here, as in a container
  std::uint32_t uid = 0;  ///< 65534 where this user has no number here
  std::uint32_t gid = 0;

  friend bool operator==(const peer_credentials&, const peer_credentials&) = default;
};

}  // namespace cetane
