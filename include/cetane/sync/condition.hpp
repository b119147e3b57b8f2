#pragma once

#include <cetane/base/config.hpp>
#include <cetane/base/intrusive_list.hpp>
#include <cetane/sync/mutex.hpp>

#include <coroutine>
#include <string>

namespace cetane {

class condition;

/// Waits for a condition; see condition::wait().
class CETANE_API condition_wait final : public detail::waitable, public list_hook<condition> {
 public:
  condition_wait(condition& source, mutex_lock& lock) noexcept : condition_(source), lock_(lock) {}
  condition_wait(const condition_wait&) = delete;
  condition_wait& operator=(const condition_wait&) = delete;
  ~condition_wait();

  bool await_ready() const noexcept { return false; }
  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> frame) {
    begin(frame, *frame.promise().context);
  }
  void await_resume();
  void cancel_wait(detail::task_context& task) noexcept override;
  std::string describe_wait() const override;
  void tell_causes(detail::wait_causes& to) const override;

 private:
  friend condition;

  void begin(std::coroutine_handle<> frame, detail::task_context& task);
  void lock_again() noexcept;

  condition& condition_;
  mutex_lock& lock_;
  mutex* mutex_ = nullptr;
  detail::task_context* task_ = nullptr;
  cancel_reason cancelled_ = cancel_reason::none;
  bool locking_ = false;
  union {
    detail::mutex_wait relock_;  // while locking_
  };
};

/// What the tasks that share a mutex wait for together: that something has changed.
///
/// `auto lock = co_await m.lock(); while (jobs.empty()) co_await changed.wait(lock);`
/// Loop thread only; it outlives those who wait.
class condition {
 public:
  condition() noexcept = default;
  condition(const condition&) = delete;
  condition& operator=(const condition&) = delete;

  /// Releases the lock, suspends until notified, and has the lock again when it resumes.
  ///
  /// Look again at what you wait for: others may have had the lock in between. No arm of first(),
  /// since it has to wait for the lock to end; an event is one.
  /// @throws std::logic_error  `lock` is not held, or by another task.
  /// @par Cancellation  Throws when it has the lock again.
  /// @par Lifetime      The lock outlives the await.
  [[nodiscard("wait() does nothing until it is awaited")]] condition_wait wait(
      mutex_lock& lock) noexcept {
    return condition_wait(*this, lock);
  }

  /// Wakes the first who waits, or all.
  void notify_one() noexcept {
    if (condition_wait* const first = line_.pop_front()) first->lock_again();
  }
  void notify_all() noexcept {
    while (!line_.empty()) notify_one();
  }

 private:
  friend condition_wait;

  intrusive_list<condition_wait, condition> line_;
};

}  // namespace cetane
