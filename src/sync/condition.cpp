// A wait for a condition has two parts: in the line of the condition, without the lock, and then in
// that of the mutex. Cancelled in the first part, it goes on to the second and throws at its end.
#include <cetane/sync/condition.hpp>

#include <sync/holder.hpp>

#include <cetane/coro/wait_causes.hpp>

#include <memory>
#include <stdexcept>
#include <utility>

namespace cetane {

condition_wait::~condition_wait() {
  if (locking_) std::destroy_at(&relock_);
}

void condition_wait::begin(std::coroutine_handle<> frame, detail::task_context& task) {
  mutex_ = lock_.of_;
  if (mutex_ == nullptr || mutex_->owner_ != &task) {
    throw std::logic_error(
        "condition: wait() needs a lock that this task holds: auto lock = co_await m.lock();");
  }
  task_ = &task;
  condition_.line_.push_back(*this);
  task.suspend(frame, *this);
  lock_.of_ = nullptr;
  mutex_->release();
}

void condition_wait::lock_again() noexcept {
  std::construct_at(&relock_, *mutex_);
  locking_ = true;
  relock_.set_task(*task_);
  relock_.arm();
}

void condition_wait::await_resume() {
  lock_ = relock_.commit();
  std::destroy_at(&relock_);
  locking_ = false;
  const cancel_reason why = std::exchange(cancelled_, cancel_reason::none);
  if (why != cancel_reason::none) throw cancelled(why);
}

// What was notified before it was cancelled has happened: it ends like any other.
void condition_wait::cancel_wait(detail::task_context& task) noexcept {
  if (!locking_) {
    cancelled_ = task.cancel_state;
    unlink();
    lock_again();
  }
  if (!relock_.granted()) task.suspend(task.leaf, *this);
}

std::string condition_wait::describe_wait() const {
  return locking_ ? relock_.describe_wait() : "condition";
}

void condition_wait::tell_causes(detail::wait_causes& to) const {
  if (locking_) return relock_.tell_causes(to);
  to.missing("nobody has notified it");
}

}  // namespace cetane
