#pragma once

#include <cetane/backend/fault_kind.hpp>
#include <cetane/base/clock.hpp>
#include <cetane/base/config.hpp>
#include <cetane/testing/faults.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cetane::testing {

/// Some of the faults that a test tells its world to meet: those of a few kinds, within a span of
/// time. All of them, if nothing is said.
///
/// As text, in the variable CETANE_FAULTS for example: "resets,storms", "resets@0.2..0.4" with
/// seconds since the beginning of the world, "@0..1.5", or "none".
class CETANE_API fault_filter {
 public:
  fault_filter() = default;

  /// @throws std::invalid_argument  The text is none; what() says why, and names the kinds.
  [[nodiscard]] static fault_filter parse(std::string_view text);

  /// Lets only faults of these kinds through.
  fault_filter& only(std::vector<fault_kind> kinds);
  /// Lets only those through that strike from then on, and before that.
  fault_filter& between(any_duration begin, any_duration end);

  /// What it lets through of `wanted`.
  [[nodiscard]] faults applied_to(faults wanted) const;

  /// As parse() reads it; empty for all.
  [[nodiscard]] std::string to_string() const;

 private:
  std::optional<std::vector<fault_kind>> kinds_;
  duration begin_ = duration::zero();
  duration end_ = duration::max();
};

/// The kinds that can strike with these faults.
[[nodiscard]] CETANE_API std::vector<fault_kind> kinds_of(const faults& told);

}  // namespace cetane::testing
