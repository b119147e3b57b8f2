#pragma once

#include <cetane/base/clock.hpp>

#include <liburing.h>

#include <cstdint>
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

  /// A submission to fill. When none is free those that are full go to the kernel first.
  io_uring_sqe& next_submission() noexcept {
    if (is_full()) [[unlikely]]
      make_room();
    return free_submission();
  }
  /// The same, where is_full() says no.
  io_uring_sqe& free_submission() noexcept {
    return ring_.sq.sqes[ring_.sq.sqe_tail++ & ring_.sq.ring_mask];
  }
  bool is_full() const noexcept { return unsubmitted() == ring_.sq.ring_entries; }
  void make_room() noexcept;

  /// The number of the next submission; they are numbered one after the other.
  unsigned next_number() const noexcept { return ring_.sq.sqe_tail; }
  /// Whether the kernel has not seen the submission of this number yet.
  bool is_unsubmitted(unsigned number) const noexcept {
    return ring_.sq.sqe_tail - number <= unsubmitted();
  }
  /// Makes one that the kernel has not seen yet ask for nothing, and say nothing.
  void withdraw(unsigned number) noexcept;
  /// How many submissions the kernel has not seen yet.
  unsigned unsubmitted() const noexcept { return ring_.sq.sqe_tail - *ring_.sq.khead; }

  /// Submits, and takes in what has completed, without waiting. No system call if there is nothing
  /// to do.
  void look() noexcept;

  /// Submits, and waits for so many completions, or until `until`.
  void wait(unsigned completions, time_point until) noexcept;

  unsigned ready() const noexcept { return io_uring_cq_ready(&ring_); }

  /// Takes the oldest completion out of the ring.
  bool take(completion& out) noexcept { return take_before(end_of_ready(), out); }

  /// The same, of those that were there when end_of_ready() gave `end`.
  unsigned end_of_ready() const noexcept { return *ring_.cq.khead + ready(); }
  bool take_before(unsigned end, completion& out) noexcept {
    if (static_cast<int>(end - *ring_.cq.khead) <= 0) return false;
    const io_uring_cqe& first = ring_.cq.cqes[*ring_.cq.khead & ring_.cq.ring_mask];
    out = {first.user_data, first.res, first.flags};
    io_uring_cq_advance(&ring_, 1);
    return true;
  }

  /// Calls `look(completion)` for each that is ready; all stay.
  template <class Look>
  void for_each_ready(Look look) const noexcept {
    const io_uring_cqe* const all = ring_.cq.cqes;
    const unsigned mask = ring_.cq.ring_mask;
    const unsigned begin = *ring_.cq.khead;
    for (unsigned i = begin, end = begin + ready(); i != end; ++i) look(all[i & mask]);
  }

  /// Whether the kernel holds completions that found no room; look() brings them.
  bool has_overflown() const noexcept { return io_uring_cq_has_overflow(&ring_); }

  /// How often the kernel had more completions than the ring has room for; it keeps them.
  std::uint64_t overflows() const noexcept { return overflows_; }

 private:
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
