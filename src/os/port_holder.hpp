#pragma once

#include <cetane/os/address.hpp>

#include <optional>
#include <string>

namespace cetane::os {

/// A process that listens where another wants to.
struct port_holder {
  int pid = 0;
  std::string name;  ///< the command's, at most 15 bytes, safe for a log
};

/// Finds out who listens on the TCP port or at the Unix path of `where`.
///
/// For the text of an error; reads all of /proc. Other users' processes are seen by root only.
///
/// @return Nothing when nobody listens, or when it cannot be found out.
std::optional<port_holder> find_port_holder(const address& where);

}  // namespace cetane::os
