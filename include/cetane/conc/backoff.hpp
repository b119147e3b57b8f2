#pragma once

#include <cetane/base/clock.hpp>

#include <stdexcept>
#include <utility>

namespace cetane {

/// The pauses of somebody who tries again and again: each is twice the one before, up to a limit.
///
/// `co_await sleep(pause.next())` after a failure, `pause.reset()` after a success.
class backoff {
 public:
  /// @param first  The first pause.
  /// @param most   The longest one.
  /// @throws std::invalid_argument  `first` is not positive, or `most` is shorter.
  backoff(any_duration first, any_duration most) : first_(first), most_(most), next_(first) {
    if (first <= duration::zero())
      throw std::invalid_argument("backoff: the first pause must be longer than nothing");
    if (most < first)
      throw std::invalid_argument("backoff: the longest pause must not be shorter than the first");
  }

  /// Gives the pause to make now, and doubles the next one.
  duration next() noexcept { return std::exchange(next_, next_ > most_ / 2 ? most_ : next_ * 2); }

  /// Begins again with the first pause.
  void reset() noexcept { next_ = first_; }

 private:
  duration first_;
  duration most_;
  duration next_;
};

}  // namespace cetane
