#pragma once

#include <cetane/base/clock.hpp>

#include <cstdint>

namespace cetane::log {

/// Lets at most one line through in each span of time, and counts those it held back.
///
/// `if (full.due(now)) log::warning("... ({} more since)", full.take_held_back());`
/// Belongs to one thread.
class once_per {
 public:
  explicit once_per(duration span) noexcept : span_(span) {}

  /// Says whether a line may be written now; a yes starts the next span.
  [[nodiscard]] bool due(time_point now) noexcept {
    if (now < next_) return ++held_back_, false;
    next_ = deadline_after(now, span_);
    return true;
  }

  /// Returns how many were held back since the last call.
  [[nodiscard]] std::uint64_t take_held_back() noexcept {
    const std::uint64_t count = held_back_;
    held_back_ = 0;
    return count;
  }

 private:
  duration span_;
  time_point next_ = time_point::min();
  std::uint64_t held_back_ = 0;
};

}  // namespace cetane::log
