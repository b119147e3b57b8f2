#pragma once

#include <cetane/base/config.hpp>

#include <chrono>
#include <string>

namespace cetane {

/// A span of time. Everything is counted in nanoseconds; a span covers 292 years.
using duration = std::chrono::nanoseconds;

/// A point of monotonic time. A loop on a simulated network counts its virtual time in the same
/// type.
using time_point = std::chrono::time_point<std::chrono::steady_clock, duration>;

/// The deadline that does not come.
inline constexpr time_point never = time_point::max();

/// Adds a timeout to a point of time, without overflow.
///
/// @return `now` when `timeout` is zero or negative, `never` when the sum lies beyond the clock's
/// range.
[[nodiscard]] constexpr time_point deadline_after(time_point now, duration timeout) noexcept {
  if (timeout <= duration::zero()) return now;
  if (now.time_since_epoch() > duration::max() - timeout) return never;
  return now + timeout;
}

/// Converts seconds as diesel writes them into a duration, to the nearest nanosecond.
///
/// @return The longest duration when `seconds` lies beyond it, infinity included.
/// @throws std::invalid_argument  `seconds` is negative or not a number.
[[nodiscard]] CETANE_API duration seconds_to_duration(double seconds);

/// Writes a duration for people: "30 s", "1.5 s", "250 ms", "10 min".
[[nodiscard]] CETANE_API std::string duration_text(duration span);

}  // namespace cetane
