#pragma once

#include <os/port_holder.hpp>

#include <cetane/base/errors.hpp>
#include <cetane/os/address.hpp>

#include <cstdint>
#include <optional>
#include <string>

namespace cetane::detail {

/// Where a service that is told to listen on `host` does: an IP address, or the first address of a
/// name.
///
/// Asks the system's resolver, which may take a while; only at the start of a program.
/// @throws error  The name has no address.
address listening_place(const std::string& host, std::uint16_t port);

/// Says why nobody can listen at `where`, who does, and what helps.
///
/// @param port_option  The option that moves the port, such as "--port"; empty if only the program
/// can.
error cannot_listen(const address& where, int code, const std::string& port_option,
                    const std::optional<os::port_holder>& holder = {});

}  // namespace cetane::detail
