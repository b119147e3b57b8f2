#pragma once

#include <cetane/base/clock.hpp>

#include <liburing.h>

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>

namespace cetane::detail {

/// Sizes of a ring. The defaults fit below the 64 KiB of locked memory that old systems allow.
struct uring_sizes {
  unsigned submissions = 256;
  unsigned completions = 2048;
  unsigned first_buffers = 4;   ///< receive buffers to begin with
  unsigned most_buffers = 512;  ///< as many as are in use at once; a power of two
};

/// What became of a submission.
struct completion {
  std::uint64_t label = 0;  // as the submission had it
  int result = 0;
  unsigned flags = 0;

  bool is_last() const noexcept { return (flags & IORING_CQE_F_MORE) == 0; }
  bool has_buffer() const noexcept { return (flags & IORING_CQE_F_BUFFER) != 0; }
  unsigned buffer() const noexcept { return flags >> IORING_CQE_BUFFER_SHIFT; }
};

/// A ring of the kernel's: submissions go in, completions come out.
///
/// It is made disabled, so that any thread may make it; the thread that enables it is the only one
/// that may use it from then on.
class uring {
 public:
  /// 0, or a negative errno value.
  int make(const uring_sizes& sizes) noexcept;
  int enable() noexcept;
  uring() noexcept = default;
  uring(const uring&) = delete;
  uring& operator=(const uring&) = delete;
  ~uring() { end(); }

  /// Gives it back to the kernel.
  void end() noexcept;

  io_uring* get() noexcept { return &ring_; }

  /// In a child process, which shares the ring with its parent: gives up its hold on it.
  void leave_to_parent() noexcept;

  /// How many submissions are free. When none is, those that are full go to the kernel first.
  unsigned room() noexcept {
    if (unsubmitted() == ring_.sq.ring_entries) [[unlikely]]
      make_room();
    return ring_.sq.ring_entries - unsubmitted();
  }
  /// A submission to fill.
  io_uring_sqe& next_submission() noexcept {
    room();
    return free_submission();
  }
  /// The same, where there is room.
  io_uring_sqe& free_submission() noexcept {
    return ring_.sq.sqes[ring_.sq.sqe_tail++ & ring_.sq.ring_mask];
  }
  /// How many submissions the kernel has not seen yet.
  unsigned unsubmitted() const noexcept { return ring_.sq.sqe_tail - *ring_.sq.khead; }

  /// Submits, and takes in what has completed, without waiting. No system call if there is nothing
  /// to do.
  void look() noexcept;

  /// Submits, and waits for so many completions, or until `until`.
  void wait(unsigned completions, time_point until) noexcept;

  unsigned ready() const noexcept { return io_uring_cq_ready(&ring_); }

  /// The oldest completion in the ring; there is one.
  const io_uring_cqe& front() const noexcept {
    return ring_.cq.cqes[*ring_.cq.khead & ring_.cq.ring_mask];
  }
  void pop() noexcept { io_uring_cq_advance(&ring_, 1); }
  completion take() noexcept {
    const completion taken{front().user_data, front().res, front().flags};
    pop();
    return taken;
  }

  /// Whether the oldest one was there already when end_of_ready() gave `end`.
  bool is_before(unsigned end) const noexcept {
    return static_cast<int>(end - *ring_.cq.khead) > 0;
  }
  unsigned end_of_ready() const noexcept { return *ring_.cq.khead + ready(); }

  /// Calls `look(completion)` for each that is ready; all stay.
  template <class Look>
  void for_each_ready(Look look) const noexcept {
    const io_uring_cqe* const all = ring_.cq.cqes;
    const unsigned begin = *ring_.cq.khead & ring_.cq.ring_mask;
    const unsigned end = begin + ready();
    const unsigned size = ring_.cq.ring_entries;
    for (const io_uring_cqe& each : std::span(all + begin, all + std::min(end, size))) look(each);
    if (end > size) {
      for (const io_uring_cqe& each : std::span(all, end - size)) look(each);
    }
  }

  /// Whether the kernel holds completions that found no room; look() brings them.
  bool has_overflown() const noexcept { return io_uring_cq_has_overflow(&ring_); }

  /// How often the kernel had more completions than the ring has room for; it keeps them.
  std::uint64_t overflows() const noexcept { return overflows_; }

 private:
  void make_room() noexcept;
  void note_overflow() noexcept;

  io_uring ring_{};
  bool made_ = false;
  std::uint64_t overflows_ = 0;
};

/// Why this machine cannot do io_uring as this library uses it, and what to do about it; empty if
/// it can. Found out by doing it.
std::string why_no_uring();

/// The same for a failure that has already happened.
std::string uring_trouble(const char* tried, int failed);

}  // namespace cetane::detail
