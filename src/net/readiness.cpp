#include <cetane/net/readiness.hpp>

#include <runtime/backend.hpp>

#include <cetane/base/errors.hpp>
#include <cetane/coro/frame_memory.hpp>
#include <cetane/runtime/this_task.hpp>

#include <fmt/format.h>

#include <cerrno>
#include <stdexcept>

namespace cetane {
namespace {

std::string wait_text(int descriptor, detail::readiness wanted) {
  const char* const what = wanted == detail::readiness::to_read ? "readable" : "writable";
  return fmt::format("descriptor {} to become {}", descriptor, what);
}

}  // namespace

namespace detail {

/// One descriptor, watched for one event.
///
/// A backend takes a descriptor once. If another task waits for it already, this one watches a
/// duplicate: the same file under a number of its own.
class descriptor_watch final : public poll_io, public pooled {
 public:
  descriptor_watch(readiness_wait& waiter, backend& io) noexcept : waiter_(waiter), io_(io) {}
  ~descriptor_watch() {
    io_.unwatch(*this);
    if (duplicate_ >= 0) io_.close(duplicate_, false);
  }

  int begin(int watched, readiness wanted) {
    const bool for_writing = wanted == readiness::to_write;
    descriptor = watched;
    const int result = io_.watch_once(*this, for_writing);
    if (result != -EEXIST) return result;
    duplicate_ = io_.duplicate(watched);
    if (duplicate_ < 0) return duplicate_;
    descriptor = duplicate_;
    return io_.watch_once(*this, for_writing);
  }

  void on_ready() noexcept override { waiter_.become_ready(); }

 private:
  readiness_wait& waiter_;
  backend& io_;
  int duplicate_ = -1;
};

}  // namespace detail

readiness_wait::readiness_wait(const readiness_op& op) noexcept
    : descriptor_(op.descriptor_), wanted_(op.wanted_) {}

readiness_wait::~readiness_wait() = default;

void readiness_wait::arm() {
  detail::backend& io = detail::loop_of(task()).io();
  if (io.simulated()) {
    throw std::logic_error(
        "wait for " + wait_text(descriptor_, wanted_) +
        ": a simulated network has no descriptors of the system's; use its connections");
  }
  auto watch = std::make_unique<detail::descriptor_watch>(*this, io);
  const int result = watch->begin(descriptor_, wanted_);
  if (result == -EPERM) {  // a regular file, or a device that never makes anybody wait
    ready_ = true;
    return wake();
  }
  if (result < 0) throw error("wait for " + wait_text(descriptor_, wanted_), system_code(result));
  watch_ = std::move(watch);
}

// The caller can rely on what it was told as long as nobody else reads: so it goes on here and now,
// not in its turn.
void readiness_wait::become_ready() noexcept {
  ready_ = true;
  if (!task().queued) detail::loop_of(task()).resume(task());
}

void readiness_wait::disarm() noexcept { watch_.reset(); }

std::string readiness_wait::describe_wait() const { return wait_text(descriptor_, wanted_); }

}  // namespace cetane
