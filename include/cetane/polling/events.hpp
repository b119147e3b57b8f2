#pragma once

#include <cstdint>

namespace cetane::polling {

/// What to wait for on a descriptor, and what has happened. The values are the kernel's own.
enum class events : std::uint32_t {
  none = 0,
  in = 0x1,          ///< there is input, or its end, or a connection to accept
  priority = 0x2,    ///< there is urgent input
  out = 0x4,         ///< output is taken without waiting
  error = 0x8,       ///< reported without being asked for
  hang_up = 0x10,    ///< both directions have ended; reported without being asked for
  invalid = 0x20,    ///< poll: the descriptor is not open; reported without being asked for
  peer_end = 0x2000  ///< the peer has ended its output
};

[[nodiscard]] constexpr events operator|(events one, events other) noexcept {
  return static_cast<events>(static_cast<std::uint32_t>(one) | static_cast<std::uint32_t>(other));
}
[[nodiscard]] constexpr events operator&(events one, events other) noexcept {
  return static_cast<events>(static_cast<std::uint32_t>(one) & static_cast<std::uint32_t>(other));
}
constexpr events& operator|=(events& one, events other) noexcept { return one = one | other; }

/// Says whether any of `wanted` is among `happened`.
[[nodiscard]] constexpr bool any(events happened, events wanted) noexcept {
  return (happened & wanted) != events::none;
}

/// A descriptor and what has happened on it.
struct ready {
  int descriptor = -1;
  events happened = events::none;

  bool operator==(const ready&) const = default;
};

}  // namespace cetane::polling
