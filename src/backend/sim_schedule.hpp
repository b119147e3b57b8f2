#pragma once

#include <cetane/base/clock.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

namespace cetane::detail {

/// The virtual clock, and what is going to happen when.
///
/// Things planned for the same time happen in the order in which they were planned.
class sim_schedule {
 public:
  explicit sim_schedule(time_point start) noexcept : now_(start) {}

  time_point now() const noexcept { return now_; }

  /// When something happens next; `never` when nothing will.
  time_point next() const noexcept { return plans_.empty() ? never : plans_.front().when; }

  void at(time_point when, std::function<void()> happen) { add(when, false, std::move(happen)); }

  /// As at(), for what is under way on the network, or held up there: see hasten().
  void under_way(time_point when, std::function<void()> happen) {
    add(when, true, std::move(happen));
  }

  /// Lets all that is under way happen by `latest`, or just after it: in its order, and each by
  /// itself.
  void hasten(time_point latest);

  std::size_t count_under_way() const noexcept;

  /// When the last of what was hastened happens.
  time_point hastened_to() const noexcept { return hastened_to_; }
  /// Changes each time when something is hastened.
  std::uint64_t epoch() const noexcept { return epoch_; }

  /// Moves the clock, but not past what happens next.
  void advance(time_point to) noexcept;

  /// Does what is due. What that plans for the present time waits for the next call, so that two
  /// that answer each other without delay do not hold the clock.
  void run_due();

 private:
  struct plan {
    time_point when;
    std::uint64_t number;
    bool is_under_way;
    std::function<void()> happen;
  };

  void add(time_point when, bool is_under_way, std::function<void()> happen);

  static bool later(const plan& a, const plan& b) noexcept;

  time_point now_;
  std::uint64_t planned_ = 0;
  time_point hastened_to_{};
  std::uint64_t epoch_ = 0;
  std::vector<plan> plans_;  // a heap, the next one in front
};

}  // namespace cetane::detail
