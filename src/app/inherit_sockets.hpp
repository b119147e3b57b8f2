#pragma once

#include <app/service_base.hpp>
#include <os/inherited_sockets.hpp>

#include <vector>

namespace cetane::detail {

/// Gives services the sockets that somebody else has opened for them, and closes those that are
/// nobody's, with a word for each.
///
/// A socket is a service's by its name, else by its address; on port 0 a service takes any that is
/// on its host. A name of a service manager's socket unit may end in ".socket". A service takes one
/// socket, of the kind that it speaks.
void inherit_sockets(std::vector<os::inherited_socket> sockets,
                     const std::vector<service_base*>& services);

}  // namespace cetane::detail
