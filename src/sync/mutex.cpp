#include <cetane/sync/mutex.hpp>

#include <sync/holder.hpp>

#include <cetane/coro/wait_causes.hpp>

#include <stdexcept>

namespace cetane {

void mutex_lock::unlock() {
  if (of_ == nullptr) throw std::logic_error("unlock: this lock is released already, or was moved");
  if (of_->owner_ != detail::running_task()) {
    throw std::logic_error(
        "unlock: another task has locked this mutex; a lock stays in the task that took it");
  }
  std::exchange(of_, nullptr)->release();
}

std::optional<mutex_lock> mutex::try_lock() noexcept {
  if (locked_) return std::nullopt;
  return take(detail::running_task());
}

void detail::mutex_wait::throw_has_lock() {
  throw std::logic_error(
      "lock: this task holds the mutex already and would wait for itself; hand the lock on to "
      "what needs it, or release it before");
}

std::string detail::mutex_wait::describe_wait() const {
  return "mutex, " + held_by(mutex_.owner_, task());
}

void detail::mutex_wait::tell_causes(wait_causes& to, std::string what) const {
  to.held_by(mutex_.owner_, std::move(what));
}

}  // namespace cetane
