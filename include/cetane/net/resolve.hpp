#pragma once

#include <cetane/base/config.hpp>
#include <cetane/base/limits.hpp>
#include <cetane/coro/task.hpp>
#include <cetane/os/address.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace cetane {

/// Finds the addresses of a host, in the order in which to try them, each with `port`.
///
/// IP addresses, and "localhost" and the names below it, are known at once: localhost is 127.0.0.1,
/// then ::1, whatever the machine's files say. Other names are looked up by the system, with
/// getaddrinfo() on the offload pool: /etc/hosts, name servers, and whatever else the machine is
/// told to ask, for addresses of both families, in the system's order (RFC 6724, /etc/gai.conf).
/// An answer is remembered for 60 s, 1,000 of them in each loop; failures are not. Tasks of one
/// loop that want the same name at the same time wait for the same answer. On a simulated network
/// the simulation answers. May suspend.
/// @return One address at least, and 32 of each family at most.
/// @throws resolve_error  The name has no address, or nobody could be asked.
/// @throws error          There is no thread to ask on, and none can be started.
/// @par Cancellation  The task stops waiting at once, and others that wait for the same name do
///                    not. A question that has begun goes on, also for nobody, and its answer is
///                    remembered.
CETANE_API task<std::vector<address>> resolve(std::string host, std::uint16_t port);

/// Forgets the names that this loop remembers: the next resolve() asks again, also for a name
/// whose question is under way.
CETANE_API void forget_names();

/// Sets how many names this loop remembers and for how long, from now on; no entries: none. What it
/// remembers now is forgotten.
///
/// @throws std::invalid_argument  The age is negative.
CETANE_API void set_name_limits(const name_limits& limits);

}  // namespace cetane
