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

  enum class news { ring, calls_ended, none };

  /// Waits in real time until it rings, which is taken, or until no call runs any more of those
  /// that run now.
  news wait() {
    std::unique_lock lock(mutex_);
    const bool calls = calls_ > 0;
    news_.wait(lock, [&] { return rung_ || (calls && calls_ == 0); });
    return std::exchange(rung_, false) ? news::ring : news::calls_ended;
  }
  /// The same, for this long at most.
  news wait_for(duration real) {
    std::unique_lock lock(mutex_);
    const bool calls = calls_ > 0;
    if (!news_.wait_for(lock, real, [&] { return rung_ || (calls && calls_ == 0); }))
      return news::none;
    return std::exchange(rung_, false) ? news::ring : news::calls_ended;
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable news_;
  bool rung_ = false;
  std::size_t calls_ = 0;
};

}  // namespace cetane::detail
