#pragma once

#include <cetane/os/address.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace cetane::os {

/// A datagram that has come, before anybody has taken it.
struct arrived_datagram {
  std::string_view bytes;  ///< valid until more is received
  address from;
  std::uint32_t lost = 0;  ///< how many the socket has had no room for so far, if that is known
  bool truncated = false;  ///< it was longer than what was asked for; the rest is lost
};

/// UDP's own limit for the bytes of one: 65,535 less the headers.
constexpr std::size_t longest_datagram(address_family over) noexcept {
  return over == address_family::ipv4 ? 65507 : 65527;
}

/// What one call receives at most.
inline constexpr std::size_t datagrams_per_call = 32;

/// What somebody on the way has said of a datagram that was sent.
struct datagram_failure {
  address about;  ///< where it was to go
  int error = 0;  ///< errno
};

}  // namespace cetane::os
