#pragma once

#include <cetane/os/address.hpp>

#include <cerrno>

#include <netinet/in.h>
#include <sys/socket.h>

namespace cetane::os {

/// What a call of libc returned, or a negative errno.
inline int result_of(int returned) noexcept { return returned < 0 ? -errno : returned; }

/// Sets an option that is a number.
inline int set_option(int fd, int layer, int name, int value) noexcept {
  return result_of(::setsockopt(fd, layer, name, &value, sizeof value));
}

/// Urgent data stays where it was sent, as RFC 6093, section 6, has it: no byte is lost, and a
/// kernel that counts what is left to be read counts right. What a listener accepts inherits it.
inline int keep_urgent_data(int fd) noexcept { return set_option(fd, SOL_SOCKET, SO_OOBINLINE, 1); }

/// Asks a datagram socket to tell what it has dropped, and what has become of what it has sent. A
/// kernel that cannot tell still carries datagrams.
inline void ask_for_losses(int fd, address_family family) noexcept {
  set_option(fd, SOL_SOCKET, SO_RXQ_OVFL, 1);
  if (family == address_family::unix_socket) return;
  if (family == address_family::ipv6) set_option(fd, IPPROTO_IPV6, IPV6_RECVERR, 1);
  set_option(fd, IPPROTO_IP, IP_RECVERR, 1);
}

}  // namespace cetane::os
