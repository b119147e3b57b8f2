#pragma once

#include <cetane/base/clock.hpp>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <optional>
#include <stdexcept>
#include <string>

namespace cetane::polling {

/// How long a wait may still take, asked for again when a signal has interrupted it.
class time_left {
 public:
  /// @param tried  For the text of the exception: "poll::wait".
  time_left(std::optional<any_duration> limit, const char* tried) {
    if (!limit) return;
    const duration timeout = *limit;
    if (timeout < duration::zero()) {
      throw std::invalid_argument(std::string(tried) +
                                  ": the timeout is negative; leave it out to wait without one");
    }
    only_look_ = timeout == duration::zero();
    until_ = deadline_after(std::chrono::steady_clock::now(), timeout);
  }

  /// For pselect and ppoll: null waits without end.
  const timespec* get() noexcept {
    if (until_ == never) return nullptr;
    const duration left = now_left();
    const auto whole = std::chrono::floor<std::chrono::seconds>(left);
    span_.tv_sec = static_cast<time_t>(whole.count());
    span_.tv_nsec = static_cast<long>((left - whole).count());
    return &span_;
  }

  /// For epoll_wait, rounded up: -1 waits without end.
  int milliseconds() const noexcept {
    if (until_ == never) return -1;
    constexpr duration longest = std::chrono::hours(24);  // then it is asked for again
    const duration left = std::min(now_left(), longest);
    return static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(left).count());
  }

  bool over() const noexcept { return until_ != never && now_left() == duration::zero(); }

 private:
  duration now_left() const noexcept {
    if (only_look_) return duration::zero();
    return std::max(duration::zero(), until_ - std::chrono::steady_clock::now());
  }

  time_point until_ = never;
  bool only_look_ = false;
  timespec span_{};
};

}  // namespace cetane::polling
