#pragma once

#include <backend/sim_trace.hpp>

#include <cetane/base/clock.hpp>
#include <cetane/base/random.hpp>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <string_view>

namespace cetane::detail {

/// Random numbers for one purpose, each of them in the trace. Dice of other names are independent
/// of these, so a new use of chance does not change the others.
class sim_dice {
 public:
  sim_dice(std::uint64_t seed, std::string_view purpose, sim_trace& trace) noexcept
      : numbers_(random_stream(seed).fork(purpose)), trace_(trace) {}

  /// Draws from `low` to `high`, both included.
  std::uint64_t roll(std::uint64_t low, std::uint64_t high) noexcept {
    return noted(numbers_.uniform(low, high));
  }
  duration roll(duration low, duration high) noexcept {
    const duration drawn = numbers_.uniform(low, high);
    noted(static_cast<std::uint64_t>(drawn.count()));
    return drawn;
  }
  /// Draws from 0 to `high`: each magnitude, between two powers of two, as often as any other.
  std::uint64_t roll_magnitude(std::uint64_t high) noexcept {
    const std::uint64_t bits = roll(0, static_cast<std::uint64_t>(std::bit_width(high)));
    return roll(0, bits == 64 ? high : std::min(high, (std::uint64_t{1} << bits) - 1));
  }

  /// Says yes with the given probability: never at 0, always at 1.
  bool chance(double probability) noexcept { return noted(numbers_.chance(probability)) != 0; }

 private:
  std::uint64_t noted(std::uint64_t drawn) noexcept {
    trace_.fold(drawn);
    return drawn;
  }

  random_stream numbers_;
  sim_trace& trace_;
};

}  // namespace cetane::detail
