#pragma once

#include <cetane/base/clock.hpp>
#include <cetane/base/config.hpp>

#include <array>
#include <cstdint>
#include <string_view>

namespace cetane {

/// Pseudo-random numbers that one seed gives again on every machine, compiler and standard library.
/// Not for secrets.
class CETANE_API random_stream {
 public:
  explicit random_stream(std::uint64_t seed) noexcept;

  /// The seed that gives this stream again.
  [[nodiscard]] std::uint64_t seed() const noexcept { return seed_; }

  /// Draws 64 even bits.
  std::uint64_t next() noexcept;

  /// Draws evenly from `low` to `high`, both included; `low` is not above `high`.
  std::uint64_t uniform(std::uint64_t low, std::uint64_t high) noexcept;
  duration uniform(duration low, duration high) noexcept;

  /// Says yes with the given probability: never at 0, always at 1.
  bool chance(double probability) noexcept;

  /// Makes a stream that is independent of this one and of those with other names.
  ///
  /// Depends on the seed and the name alone, not on what was drawn before: a new user of numbers
  /// does not shift the others.
  [[nodiscard]] random_stream fork(std::string_view name) const noexcept;

 private:
  std::uint64_t seed_;
  std::array<std::uint64_t, 4> state_{};
};

}  // namespace cetane
