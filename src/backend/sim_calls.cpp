#include "backend/sim_calls.hpp"

#include <base/spared_memory.hpp>

#include <algorithm>
#include <chrono>
#include <stdexcept>

namespace cetane::detail {

void sim_calls::take(duration shortest, duration longest) {
  if (shortest < duration::zero() || longest < shortest || longest > std::chrono::hours(24)) {
    throw std::invalid_argument(
        "a blocking call takes between 0 and 24 h of simulated time, the shortest time first");
  }
  shortest_ = shortest;
  longest_ = longest;
}

void sim_calls::begin(event_loop& from, const message& call, time_point now) {
  const duration span =
      longest_ > duration::zero() ? times_.roll(shortest_, longest_) : duration::zero();
  {
    const std::lock_guard lock(mutex_);
    calls_.emplace(order(deadline_after(now, span), begun_++), entry{&from, &call, nullptr});
  }
  alarm_.call_begins();
}

std::map<sim_calls::order, sim_calls::entry>::iterator sim_calls::find(
    const message& call) noexcept {
  return std::find_if(calls_.begin(), calls_.end(),
                      [&](const auto& each) { return each.second.call == &call; });
}

void sim_calls::forget(const message& call) noexcept {
  std::unique_ptr<message> unheard;
  {
    const std::lock_guard lock(mutex_);
    const auto found = find(call);
    if (found == calls_.end()) return;
    unheard = std::move(found->second.answer);
    calls_.erase(found);
  }
  if (unheard == nullptr) alarm_.call_ends();
}

bool sim_calls::keep(message& answer) noexcept {
  {
    const std::lock_guard lock(mutex_);
    const auto found = find(answer);
    if (found == calls_.end()) return false;
    found->second.answer.reset(&answer);
  }
  alarm_.call_ends();
  return true;
}

time_point sim_calls::next_due() const noexcept {
  const std::lock_guard lock(mutex_);
  for (const auto& [when, each] : calls_) {
    if (each.answer != nullptr) return when.first;
  }
  return never;
}

bool sim_calls::any_due(time_point now) const noexcept {
  const std::lock_guard lock(mutex_);
  return !calls_.empty() && calls_.begin()->first.first <= now;
}

std::size_t sim_calls::count() const noexcept {
  const std::lock_guard lock(mutex_);
  return calls_.size();
}

sim_calls::entry sim_calls::take_due(time_point now) noexcept {
  const std::lock_guard lock(mutex_);
  for (auto it = calls_.begin(); it != calls_.end() && it->first.first <= now; ++it) {
    if (it->second.answer == nullptr) continue;
    entry due = std::move(it->second);
    calls_.erase(it);
    return due;
  }
  return {};
}

void sim_calls::tell(time_point now) {
  for (;;) {
    const entry due = take_due(now);
    if (due.answer == nullptr) return;
    ++due.from->counters().messages;
    const demanded_memory program;
    due.answer->deliver();
  }
}

}  // namespace cetane::detail
