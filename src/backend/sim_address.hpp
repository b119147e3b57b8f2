#pragma once

#include <cetane/os/address.hpp>

/// What the kernel knows about addresses, and a simulation must know too.
namespace cetane::detail::sim_address {

/// 0.0.0.0 or [::].
bool is_any(const address& where) noexcept;

/// 127.0.0.0/8 or ::1.
bool is_loopback(const address& where) noexcept;

/// Where connecting to this address leads: to 0.0.0.0 means 127.0.0.1, to [::] means [::1].
address reached(const address& to) noexcept;

/// Where a socket that connects there comes from, unless it says: the same machine's address, and
/// 127.0.0.1 for all of 127.0.0.0/8. The port is 0.
address source_for(const address& to) noexcept;

/// The address of an IPv4 socket as an IPv6 listener sees it: [::ffff:127.0.0.1].
address seen_by_ipv6(const address& v4) noexcept;

/// The IPv4 address that such a one stands for; any other as it is.
address unmapped(const address& v6) noexcept;

/// True if a listener at `listening` serves those who connect to `to`.
bool serves(const address& listening, const address& to) noexcept;

/// True if not both may be taken at once.
bool overlap(const address& one, const address& other) noexcept;

/// 255.255.255.255: whoever is there.
bool is_broadcast(const address& where) noexcept;

/// 224.0.0.0/4 or ff00::/8: whoever has joined.
bool is_multicast(const address& where) noexcept;

/// The address of a Unix socket that has no name.
address unnamed() noexcept;

}  // namespace cetane::detail::sim_address
