#pragma once

#include <cetane/base/clock.hpp>

#include <condition_variable>
#include <mutex>
#include <utility>

namespace cetane::detail {

/// A wake-up from another thread, kept until it is taken.
class sim_alarm {
 public:
  void ring() noexcept {
    const std::lock_guard lock(mutex_);
    rung_ = true;
    rings_.notify_one();
  }

  /// True if it has rung since it was last taken.
  bool take() noexcept {
    const std::lock_guard lock(mutex_);
    return std::exchange(rung_, false);
  }

  /// Waits for it in real time, and takes it.
  void wait() {
    std::unique_lock lock(mutex_);
    rings_.wait(lock, [this] { return std::exchange(rung_, false); });
  }
  bool wait_for(duration real) {
    std::unique_lock lock(mutex_);
    return rings_.wait_for(lock, real, [this] { return std::exchange(rung_, false); });
  }

 private:
  std::mutex mutex_;
  std::condition_variable rings_;
  bool rung_ = false;
};

}  // namespace cetane::detail
