// All timers of one event loop, sorted no further than needed.
//
// They fire as from a heap ordered by (deadline, order of arming), but arming and cancelling take
// the same few nanoseconds however many there are; most timers are cancelled long before they are
// due.
//
// The wheel has eleven levels of 64 buckets, enough for every 64-bit number of nanoseconds. A
// deadline is read as a number in base 64. The first digit in which it differs from `reached_`, the
// moment the wheel has come to, gives the level, and the value of that digit the bucket. Therefore
// - a bucket of the lowest level holds a single deadline, and its list has the order of arming;
// - what is in a lower level, or in a lower bucket of the same level, comes first;
// - timers with the same deadline are always in the same bucket.
// To fire, the wheel takes the first bucket that has begun, moves `reached_` on to the earliest
// deadline in it, and deals its timers out again: each of them becomes due or goes to a lower
// level. So a timer moves ten times at most, and a jump of ten years visits only buckets with
// something in them.
//
// A deadline that has passed when it is armed for goes straight to the list of what is due, the
// only one that may need sorting.
#pragma once

#include <cetane/runtime/timer.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <cstddef>
#include <cstdint>

namespace cetane::detail {

class timer_wheel {
 public:
  explicit timer_wheel(time_point start) noexcept : reached_(to_key(start)) {}
  ~timer_wheel();
  timer_wheel(const timer_wheel&) = delete;
  timer_wheel& operator=(const timer_wheel&) = delete;

  /// Arms `which`, anew if it is armed already: it then comes after all others that have the same
  /// deadline.
  ///
  /// A deadline that has passed is due in the next fire(). The deadline `never` is never due.
  void arm(timer& which, time_point deadline) noexcept {
    cancel(which);
    which.wheel_ = this;
    which.deadline_ = deadline;
    ++armed_;
    next_ = std::min(next_, deadline);
    place(which);
  }

  /// Disarms `which`; does nothing if it is not armed.
  void cancel(timer& which) noexcept {
    if (!which.armed()) return;
    assert(which.wheel_ == this);
    ++cancelled_;
    which.wheel_ = nullptr;
    which.unlink();
    if (which.deadline_ <= next_) next_ = unknown;
    if (!in_bucket(which.deadline_)) return;
    const std::size_t bucket = bucket_of(which.deadline_);
    if (buckets_[bucket].empty()) [[unlikely]]
      mark_empty(bucket);
  }

  /// Returns a moment before which nothing is due; `never` if nothing ever will be.
  ///
  /// It is the earliest deadline itself, or the begin of a crowded bucket with that deadline in it;
  /// then a fire() at that moment brings the answer closer.
  [[nodiscard]] time_point next_deadline() const noexcept {
    if (next_ == unknown) next_ = find_next();
    return next_;
  }

  /// Calls on_timer() for every timer whose deadline is `now` or earlier, in the order of
  /// (deadline, arming).
  ///
  /// A timer that is armed meanwhile waits for the next call even if it is due, so that one which
  /// always arms itself for the present does not stop the loop. Not to be called from on_timer().
  ///
  /// @return How many were called.
  std::size_t fire(time_point now) noexcept { return now < next_ ? 0 : fire_due(now); }

  /// How many timers are armed, those for `never` included.
  [[nodiscard]] std::size_t size() const noexcept { return armed_ - fired_ - cancelled_; }

  /// How many timers are in its lists: as many as are armed. Looks at all of them.
  [[nodiscard]] std::size_t count_linked() const noexcept;

  /// How often a timer was armed, fired, cancelled. Arming an armed timer cancels it first.
  [[nodiscard]] std::uint64_t armed() const noexcept { return armed_; }
  [[nodiscard]] std::uint64_t fired() const noexcept { return fired_; }
  [[nodiscard]] std::uint64_t cancelled() const noexcept { return cancelled_; }

 private:
  using timer_list = intrusive_list<timer, timer_wheel>;

  static constexpr std::size_t digit_bits = 6;
  static constexpr std::size_t slot_count = std::size_t{1} << digit_bits;
  static constexpr std::size_t level_count = (64 + digit_bits - 1) / digit_bits;

  // Nothing is earlier, so that comparisons with an answer to be found fail by themselves.
  static constexpr time_point unknown = time_point::min();

  // Keys are ordered as the moments are, and have no sign.
  static constexpr std::uint64_t sign_bit = std::uint64_t{1} << 63;
  static constexpr std::uint64_t to_key(time_point moment) noexcept {
    return static_cast<std::uint64_t>(moment.time_since_epoch().count()) ^ sign_bit;
  }
  static constexpr time_point from_key(std::uint64_t key) noexcept {
    return time_point(duration(static_cast<duration::rep>(key ^ sign_bit)));
  }

  bool in_bucket(time_point deadline) const noexcept {
    return to_key(deadline) > reached_ && deadline != never;
  }

  std::size_t bucket_of(time_point deadline) const noexcept {
    const std::uint64_t key = to_key(deadline);
    const auto highest_bit = static_cast<std::size_t>(std::bit_width(key ^ reached_) - 1);
    const std::size_t level = highest_bit / digit_bits;
    return level * slot_count + (key >> (level * digit_bits)) % slot_count;
  }

  void place(timer& which) noexcept {
    if (!in_bucket(which.deadline_)) [[unlikely]]
      return place_aside(which);
    const std::size_t bucket = bucket_of(which.deadline_);
    buckets_[bucket].push_back(which);
    occupied_[bucket / slot_count] |= std::uint64_t{1} << bucket % slot_count;
    occupied_levels_ |= std::uint32_t{1} << bucket / slot_count;
  }

  void place_aside(timer& which) noexcept;
  void mark_empty(std::size_t bucket) noexcept;
  std::size_t first_bucket() const noexcept;
  std::uint64_t begin_of(std::size_t bucket) const noexcept;
  time_point find_next() const noexcept;
  time_point look_through(std::size_t bucket) const noexcept;
  std::size_t fire_due(time_point now) noexcept;
  void collect(std::uint64_t now) noexcept;
  void deal_out(std::size_t bucket, std::uint64_t now) noexcept;

  std::uint64_t reached_;
  mutable time_point next_ = never;  // what next_deadline() says, or `unknown`
  std::uint64_t armed_ = 0;
  std::uint64_t fired_ = 0;
  std::uint64_t cancelled_ = 0;
  std::uint32_t occupied_levels_ = 0;
  bool due_in_order_ = true;
  std::array<std::uint64_t, level_count> occupied_{};
  std::array<timer_list, level_count * slot_count> buckets_;
  timer_list due_;     // passed when armed, or taken out of their buckets
  timer_list firing_;  // what the running fire() still has to call
  timer_list parked_;  // armed for `never`
};

}  // namespace cetane::detail
