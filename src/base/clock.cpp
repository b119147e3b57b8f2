#include <cetane/base/clock.hpp>

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <stdexcept>
#include <string_view>

namespace cetane {

duration seconds_to_duration(double seconds) {
  if (std::isnan(seconds) || seconds < 0) {
    throw std::invalid_argument(
        fmt::format("a time in seconds must be zero or more, and {} was given", seconds));
  }
  constexpr double nanoseconds_per_second = 1e9;
  const double nanoseconds = std::round(seconds * nanoseconds_per_second);
  // The largest count has no exact double; the conversion of 2^63 itself would be undefined.
  if (nanoseconds >= static_cast<double>(duration::max().count())) return duration::max();
  return duration(static_cast<duration::rep>(nanoseconds));
}

std::string duration_text(duration span) {
  struct unit {
    duration length;
    std::string_view name;
  };
  static constexpr std::array<unit, 6> units{{{std::chrono::hours(1), "h"},
                                              {std::chrono::minutes(1), "min"},
                                              {std::chrono::seconds(1), "s"},
                                              {std::chrono::milliseconds(1), "ms"},
                                              {std::chrono::microseconds(1), "us"},
                                              {duration(1), "ns"}}};
  constexpr duration fractions_from = std::chrono::seconds(1);  // 1.5 s, but 90 min and not 1.5 h

  if (span == duration::zero()) return "0 s";
  const std::string_view sign = span < duration::zero() ? "-" : "";
  for (const unit& u : units) {
    const auto whole = span / u.length;
    if (whole == 0) continue;
    if (span % u.length == duration::zero()) {
      return fmt::format("{}{} {}", sign, whole < 0 ? -whole : whole, u.name);
    }
    if (u.length <= fractions_from) {
      const double count =
          static_cast<double>(span.count()) / static_cast<double>(u.length.count());
      return fmt::format("{}{:.6g} {}", sign, std::abs(count), u.name);
    }
  }
  return fmt::format("{} ns", span.count());
}

}  // namespace cetane
