#include "backend/sim_schedule.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace cetane::detail {

bool sim_schedule::later(const plan& a, const plan& b) noexcept {
  return a.when != b.when ? a.when > b.when : a.number > b.number;
}

void sim_schedule::at(time_point when, std::function<void()> happen) {
  plans_.push_back({std::max(when, now_), planned_++, std::move(happen)});
  std::push_heap(plans_.begin(), plans_.end(), later);
}

void sim_schedule::advance(time_point to) noexcept {
  assert(to >= now_ && to <= next());
  now_ = to;
}

void sim_schedule::run_due() {
  const std::uint64_t end = planned_;
  while (next() <= now_ && plans_.front().number < end) {
    std::pop_heap(plans_.begin(), plans_.end(), later);
    const plan due = std::move(plans_.back());
    plans_.pop_back();
    due.happen();
  }
}

}  // namespace cetane::detail
