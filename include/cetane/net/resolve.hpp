#pragma once

#include <cetane/base/config.hpp>
#include <cetane/coro/task.hpp>
#include <cetane/os/address.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace cetane {

/// Finds the addresses of a host, in the order in which to try them, each with `port`.
///
/// IP addresses, and "localhost" and the names below it, are known at once: localhost is 127.0.0.1,
/// then ::1, whatever the machine's files say. Other names are looked up by the system on the
/// offload pool, and remembered for 60 s (1,000 names for each loop); failures are not remembered.
/// On a simulated network every name is 127.0.0.1. May suspend.
/// @return One address at least.
/// @throws resolve_error  The name has no address, or nobody could be asked.
/// @par Cancellation  The task stops waiting at once; the look-up goes on, and nobody hears of it.
CETANE_API task<std::vector<address>> resolve(std::string host, std::uint16_t port);

}  // namespace cetane
