// Timers known by number, in a wheel and in the heap that is its oracle, for tests that do the same
// to both.
#pragma once

#include "runtime/timer_wheel.hpp"

#include <cetane/base/clock.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

namespace cetane::testing {

using on_fired = std::function<void(std::size_t)>;

// The oracle. Timers are numbered from 0.
class numbered_heap {
 public:
  numbered_heap(time_point, std::size_t count, on_fired then)
      : entries_(count), then_(std::move(then)) {}

  void arm(std::size_t id, time_point deadline) {
    cancel(id);
    entries_[id] = {deadline, ++armings_, id, true};
    queue_.insert(entries_[id]);
  }

  void cancel(std::size_t id) {
    if (std::exchange(entries_[id].armed, false)) queue_.erase(entries_[id]);
  }

  bool armed(std::size_t id) const { return entries_[id].armed; }
  std::size_t size() const { return queue_.size(); }
  time_point next_deadline() const { return queue_.empty() ? never : queue_.begin()->deadline; }

  std::size_t fire(time_point now) {
    std::vector<entry> batch;
    for (const entry& each : queue_) {
      if (each.deadline <= now && each.deadline != never) batch.push_back(each);
    }
    std::size_t count = 0;
    for (const entry& each : batch) {
      if (queue_.count(each) == 0) continue;
      cancel(each.id);
      ++count;
      then_(each.id);
    }
    return count;
  }

 private:
  struct entry {
    time_point deadline;
    std::uint64_t arming = 0;
    std::size_t id = 0;
    bool armed = false;

    bool operator<(const entry& other) const {
      return std::tie(deadline, arming) < std::tie(other.deadline, other.arming);
    }
  };

  std::vector<entry> entries_;
  std::set<entry> queue_;
  on_fired then_;
  std::uint64_t armings_ = 0;
};

// The wheel, its timers numbered alike.
class numbered_wheel {
 public:
  numbered_wheel(time_point start, std::size_t count, on_fired then)
      : wheel_(start), then_(std::move(then)) {
    for (std::size_t id = 0; id < count; ++id) timers_.emplace_back(then_, id);
  }

  void arm(std::size_t id, time_point deadline) { wheel_.arm(timers_[id], deadline); }
  void cancel(std::size_t id) { wheel_.cancel(timers_[id]); }
  bool armed(std::size_t id) const { return timers_[id].armed(); }
  std::size_t size() const { return wheel_.size(); }
  time_point next_deadline() const { return wheel_.next_deadline(); }
  std::size_t fire(time_point now) { return wheel_.fire(now); }

 private:
  class numbered_timer final : public cetane::detail::timer {
   public:
    numbered_timer(const on_fired& then, std::size_t id) : then_(then), id_(id) {}

   private:
    void on_timer() noexcept override { then_(id_); }

    const on_fired& then_;
    std::size_t id_;
  };

  cetane::detail::timer_wheel wheel_;
  on_fired then_;
  std::deque<numbered_timer> timers_;
};

}  // namespace cetane::testing
