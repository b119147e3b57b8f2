#include "runtime/timer_wheel.hpp"

#include <iterator>

namespace cetane::detail {
namespace {

// How much of a bucket is looked through for the exact deadline: enough for an idle program to wake
// once, at the deadline, and too little to be felt in each pass of a busy one.
constexpr int longest_look = 16;

using timer_list = intrusive_list<timer, timer_wheel>;

// Moves `later` into `earlier`; of equal deadlines those in `earlier` stay in front.
void merge(timer_list& earlier, timer_list& later) noexcept {
  timer_list merged;
  while (!earlier.empty() && !later.empty()) {
    const bool in_order = earlier.front().deadline() <= later.front().deadline();
    merged.push_back(*(in_order ? earlier : later).pop_front());
  }
  merged.splice_back(earlier);
  merged.splice_back(later);
  earlier.splice_back(merged);
}

// A merge sort that keeps equals in order and needs no memory but these runs; run i holds 2^i
// timers or none.
void sort(timer_list& list) noexcept {
  std::array<timer_list, 48> runs;
  while (timer* const first = list.pop_front()) {
    timer_list carried;
    carried.push_back(*first);
    std::size_t rank = 0;
    for (; !runs[rank].empty(); ++rank) {
      merge(runs[rank], carried);
      carried.splice_back(runs[rank]);
    }
    runs[rank].splice_back(carried);
  }
  for (timer_list& run : runs) {
    merge(run, list);  // the higher the run, the earlier its timers were armed
    list.splice_back(run);
  }
}

}  // namespace

void timer::leave_wheel() noexcept { wheel_->cancel(*this); }

timer_wheel::~timer_wheel() {
  const auto disarm_all = [](timer_list& list) {
    while (timer* const left = list.pop_front()) left->wheel_ = nullptr;
  };
  for (timer_list& bucket : buckets_) disarm_all(bucket);
  disarm_all(due_);
  disarm_all(parked_);
}

std::size_t timer_wheel::count_linked() const noexcept {
  const auto length = [](const timer_list& list) {
    return static_cast<std::size_t>(std::distance(list.begin(), list.end()));
  };
  std::size_t count = length(due_) + length(parked_);
  for (const timer_list& bucket : buckets_) count += length(bucket);
  return count;
}

void timer_wheel::place_aside(timer& which) noexcept {
  if (which.deadline_ == never) return parked_.push_back(which);
  if (!due_.empty() && which.deadline_ < due_.back().deadline_) due_in_order_ = false;
  due_.push_back(which);
}

void timer_wheel::mark_empty(std::size_t bucket) noexcept {
  const std::size_t level = bucket / slot_count;
  occupied_[level] &= ~(std::uint64_t{1} << bucket % slot_count);
  if (occupied_[level] == 0) occupied_levels_ &= ~(std::uint32_t{1} << level);
  next_ = unknown;
}

// The bucket with the earliest timers; there is one.
std::size_t timer_wheel::first_bucket() const noexcept {
  assert(occupied_levels_ != 0);
  const auto level = static_cast<std::size_t>(std::countr_zero(occupied_levels_));
  return level * slot_count + static_cast<std::size_t>(std::countr_zero(occupied_[level]));
}

// The digits above the bucket's level are those of `reached_`, those below are zero.
std::uint64_t timer_wheel::begin_of(std::size_t bucket) const noexcept {
  const std::uint64_t width = std::uint64_t{1} << bucket / slot_count * digit_bits;
  // No digits are above the top level, where the product is zero.
  const std::uint64_t above = ~(width * slot_count - 1);
  return (reached_ & above) | (bucket % slot_count * width);
}

time_point timer_wheel::find_next() const noexcept {
  time_point earliest = never;
  if (!firing_.empty()) earliest = firing_.begin()->deadline_;
  for (const timer& each : due_) earliest = std::min(earliest, each.deadline_);
  if (earliest != never || occupied_levels_ == 0) return earliest;
  return look_through(first_bucket());
}

time_point timer_wheel::look_through(std::size_t bucket) const noexcept {
  time_point earliest = never;
  int seen = 0;
  for (const timer& each : buckets_[bucket]) {
    if (++seen > longest_look) return from_key(begin_of(bucket));
    earliest = std::min(earliest, each.deadline_);
  }
  return earliest;
}

std::size_t timer_wheel::fire_due(time_point now) noexcept {
  assert(firing_.empty() && "on_timer() must not call fire()");
  if (!due_in_order_) sort(due_);
  due_in_order_ = true;
  collect(to_key(now));
  firing_.splice_back(due_);

  std::size_t count = 0;
  while (timer* const first = firing_.pop_front()) {
    first->wheel_ = nullptr;
    next_ = unknown;
    ++fired_;
    ++count;
    first->on_timer();
  }
  return count;
}

// Makes all that has come by `now` due, in order.
void timer_wheel::collect(std::uint64_t now) noexcept {
  while (occupied_levels_ != 0) {
    const std::size_t bucket = first_bucket();
    if (begin_of(bucket) > now) break;
    deal_out(bucket, now);
  }
  reached_ = std::max(reached_, now);  // some machines' monotonic clocks do step back
}

// Empties the first bucket; it begins no later than `now`.
void timer_wheel::deal_out(std::size_t bucket, std::uint64_t now) noexcept {
  timer_list& list = buckets_[bucket];
  std::uint64_t reached = now;
  for (const timer& each : list) reached = std::min(reached, to_key(each.deadline_));
  reached_ = reached;
  mark_empty(bucket);
  while (timer* const each = list.pop_front()) place(*each);
}

}  // namespace cetane::detail
