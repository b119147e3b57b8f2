#pragma once

#include <cetane/base/config.hpp>
#include <cetane/sync/event.hpp>

#include <cstddef>
#include <string>

namespace cetane {

class countdown;

namespace detail {

/// A wait for the end of a countdown.
class CETANE_API countdown_wait final : public event_wait {
 public:
  using source_type = countdown;

  explicit countdown_wait(wait_op<countdown_wait> op) noexcept;

  std::string describe_wait() const;
  void tell_causes(wait_causes&) const {}  // what is left says it

 private:
  const countdown& countdown_;
};

}  // namespace detail

/// Something that is over when it has been ticked so many times. Loop thread only.
class countdown {
 public:
  /// One of 0 is over from the start.
  explicit countdown(std::size_t ticks) noexcept : left_(ticks), ticks_(ticks) {
    if (ticks == 0) over_.set();
  }

  /// Counts down by `n`. The last tick wakes all who wait; more of them do no harm.
  void tick(std::size_t n = 1) noexcept {
    left_ -= n < left_ ? n : left_;
    if (left_ == 0) over_.set();
  }

  /// How many ticks are missing, and how many there were at first.
  std::size_t left() const noexcept { return left_; }
  std::size_t ticks() const noexcept { return ticks_; }

  /// Suspends until no tick is missing.
  detail::wait_op<detail::countdown_wait> wait() noexcept {
    return detail::wait_op<detail::countdown_wait>(*this);
  }

 private:
  friend detail::countdown_wait;

  event over_;
  std::size_t left_;
  std::size_t ticks_;
};

/// What the standard library calls a countdown.
using latch = countdown;

inline detail::countdown_wait::countdown_wait(wait_op<countdown_wait> op) noexcept
    : event_wait(op.source().over_), countdown_(op.source()) {}

}  // namespace cetane
