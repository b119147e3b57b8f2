#pragma once

#include <cetane/base/clock.hpp>

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <utility>

namespace cetane::detail {

/// What other threads have to say to a simulation that waits: a wake-up, which is kept until it is
/// taken, and that the last of the calls they make for it has ended.
class sim_alarm {
 public:
  void ring() noexcept {
    const std::lock_guard lock(mutex_);
    rung_ = true;
    news_.notify_one();
  }

  /// True if it has rung since it was last taken.
  bool take() noexcept {
    const std::lock_guard lock(mutex_);
    return std::exchange(rung_, false);
  }

  void call_begins() noexcept {
    const std::lock_guard lock(mutex_);
    ++calls_;
  }
  void call_ends() noexcept {
    const std::lock_guard lock(mutex_);
    if (--calls_ == 0) news_.notify_one();
  }
  bool calls_running() const noexcept {
    const std::lock_guard lock(mutex_);
    return calls_ > 0;
  }

  /// Waits in real time until it rings, or until no call runs any more that runs now, and takes it.
  void wait() {
    std::unique_lock lock(mutex_);
    news_.wait(lock, [this, calls = calls_ > 0] { return has_news(calls); });
  }
  bool wait_for(duration real) {
    std::unique_lock lock(mutex_);
    return news_.wait_for(lock, real, [this, calls = calls_ > 0] { return has_news(calls); });
  }

 private:
  bool has_news(bool calls_ran) noexcept {
    return std::exchange(rung_, false) || (calls_ran && calls_ == 0);
  }

  mutable std::mutex mutex_;
  std::condition_variable news_;
  bool rung_ = false;
  std::size_t calls_ = 0;
};

}  // namespace cetane::detail
