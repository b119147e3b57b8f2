#include "backend/sim_schedule.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace cetane::detail {

bool sim_schedule::later(const plan& a, const plan& b) noexcept {
  return a.when != b.when ? a.when > b.when : a.number > b.number;
}

void sim_schedule::add(time_point when, bool is_under_way, std::function<void()> happen) {
  plans_.push_back({std::max(when, now_), planned_++, is_under_way, std::move(happen)});
  std::push_heap(plans_.begin(), plans_.end(), later);
}

void sim_schedule::hasten(time_point latest) {
  ++epoch_;
  hastened_to_ = std::max(latest, now_);
  std::sort(plans_.begin(), plans_.end(), [](const plan& a, const plan& b) { return later(b, a); });
  for (plan& one : plans_) {
    if (!one.is_under_way || one.when <= hastened_to_) continue;
    hastened_to_ += duration(1);
    one.when = std::min(one.when, hastened_to_);
  }
  std::make_heap(plans_.begin(), plans_.end(), later);
}

std::size_t sim_schedule::count_under_way() const noexcept {
  return static_cast<std::size_t>(std::count_if(plans_.begin(), plans_.end(),
                                                [](const plan& one) { return one.is_under_way; }));
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
