#include <backend/io_uring_ring.hpp>

#include <backend/kernel_backend.hpp>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <utility>

#include <unistd.h>

namespace cetane::detail {
namespace {

// All of them are there since Linux 6.1. DEFER_TASKRUN: completions are made when we ask for them,
// on our thread, and not in between; TASKRUN_FLAG: a flag in memory says that there is something to
// ask for.
constexpr unsigned ring_flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
                                IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_SUBMIT_ALL |
                                IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP | IORING_SETUP_R_DISABLED;

// NODROP: completions that find no room are kept. EXT_ARG: a wait has a time limit. CQE_SKIP: a
// cancel that succeeds says nothing.
constexpr unsigned needed_features =
    IORING_FEAT_NODROP | IORING_FEAT_EXT_ARG | IORING_FEAT_CQE_SKIP;

}  // namespace

int uring::make(const uring_sizes& sizes) noexcept {
  io_uring_params params{};
  params.flags = ring_flags;
  params.cq_entries = sizes.completions;
  if (const int failed = io_uring_queue_init_params(sizes.submissions, &ring_, &params); failed < 0)
    return failed;
  made_ = true;
  if ((params.features & needed_features) != needed_features) return -EINVAL;
  return io_uring_ring_dontfork(&ring_);  // a child that used it would disturb ours
}

int uring::enable() noexcept {
  // io_uring_enable_rings(), which liburing 2.3 has and does not export.
  const auto descriptor = static_cast<unsigned>(ring_.ring_fd);
  const int failed = io_uring_register(descriptor, IORING_REGISTER_ENABLE_RINGS, nullptr, 0);
  if (failed < 0) return failed;
  io_uring_register_ring_fd(&ring_);  // saves the kernel a look-up; works without
  return 0;
}

void uring::leave_to_parent() noexcept {
  if (made_) ::close(ring_.ring_fd);
}

void uring::end() noexcept {
  if (std::exchange(made_, false)) io_uring_queue_exit(&ring_);
}

void uring::make_room() noexcept {
  while (unsubmitted() == ring_.sq.ring_entries) {
    if (io_uring_submit(&ring_) < 0) look();  // -EBUSY: the kernel wants its completions read first
  }
}

void uring::note_overflow() noexcept {
  if (io_uring_cq_has_overflow(&ring_)) [[unlikely]]
    ++overflows_;
}

void uring::look() noexcept {
  const unsigned flags = IO_URING_READ_ONCE(*ring_.sq.kflags);
  const bool anything = (flags & (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW)) != 0;
  note_overflow();
  if (anything || io_uring_sq_ready(&ring_) != 0) io_uring_submit_and_get_events(&ring_);
}

void uring::wait(unsigned completions, time_point until) noexcept {
  note_overflow();
  if (until == never) {
    io_uring_submit_and_wait(&ring_, completions);
    return;
  }
  const duration left = std::max(duration::zero(), until - monotonic_now());
  const auto whole = std::chrono::duration_cast<std::chrono::seconds>(left);
  __kernel_timespec span{whole.count(), (left - whole).count()};
  io_uring_cqe* first = nullptr;
  io_uring_submit_and_wait_timeout(&ring_, &first, completions, &span, nullptr);
}

}  // namespace cetane::detail
