#pragma once

#include <cetane/base/config.hpp>

#include <chrono>
#include <compare>
#include <string>
#include <type_traits>

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

/// Converts any span into a duration, rounded up, so that nobody wakes early.
///
/// @return The longest duration, or the shortest, when `span` lies beyond it; the shortest, which
/// is negative, when it is not a number.
template <class Rep, class Period>
[[nodiscard]] constexpr duration to_duration(std::chrono::duration<Rep, Period> span) noexcept {
  if constexpr (std::is_same_v<std::chrono::duration<Rep, Period>, duration>) return span;
  using seconds = std::chrono::duration<long double>;
  const seconds wanted = std::chrono::duration_cast<seconds>(span);
  if (wanted >= seconds(duration::max())) return duration::max();
  if (!(wanted > seconds(duration::min()))) return duration::min();
  return std::chrono::ceil<duration>(span);
}

/// A span as a function takes it: any of `std::chrono`'s, `hours::max()` too, as to_duration()
/// makes a duration of it. A function that took a duration itself would have its caller convert,
/// and overflow.
class any_duration {
 public:
  template <class Rep, class Period>
  constexpr any_duration(std::chrono::duration<Rep, Period> span) noexcept
      : span_(to_duration(span)) {}

  constexpr operator duration() const noexcept { return span_; }

  friend constexpr bool operator==(any_duration one, any_duration other) noexcept = default;
  friend constexpr auto operator<=>(any_duration one, any_duration other) noexcept = default;

 private:
  duration span_;
};

/// Converts seconds as diesel writes them into a duration, to the nearest nanosecond.
///
/// @return The longest duration when `seconds` lies beyond it, infinity included.
/// @throws std::invalid_argument  `seconds` is negative or not a number.
[[nodiscard]] CETANE_API duration seconds_to_duration(double seconds);

/// Writes a duration for people: "30 s", "1.5 s", "250 ms", "10 min".
[[nodiscard]] CETANE_API std::string duration_text(duration span);

}  // namespace cetane
