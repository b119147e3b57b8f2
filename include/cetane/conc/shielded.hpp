#pragma once

#include <cetane/base/clock.hpp>
#include <cetane/conc/await_result.hpp>
#include <cetane/conc/deadline_scope.hpp>
#include <cetane/conc/timeout.hpp>
#include <cetane/coro/task.hpp>
#include <cetane/runtime/cancel_scope.hpp>

#include <chrono>
#include <string>
#include <utility>

namespace cetane {

/// A task that is begun even if the one that awaits it is cancelled; made by shielded() and
/// finally().
template <class T>
class [[nodiscard("this does nothing until it is awaited")]] protected_task {
 public:
  static constexpr bool ignores_cancel = true;

  /// Takes the coroutine to call, since a task cannot be moved.
  template <class Fn, class... Args>
  explicit protected_task(std::in_place_t, Fn && fn, Args && ... args)
      : task_(std::forward<Fn>(fn)(std::forward<Args>(args)...)) {}
  protected_task(const protected_task&) = delete;
  protected_task& operator=(const protected_task&) = delete;

  typename task<T>::awaiter operator co_await()&& noexcept {
    return std::move(task_).operator co_await();
  }

 private:
  task<T> task_;
};

namespace detail {

template <class Op>
task<await_result_t<Op>> run_shielded(duration grace, Op&& op) {
  std::string waited_for;
  deadline_scope scope(grace, &waited_for, cancel_scope::shield::yes);
  try {
    co_return co_await std::forward<Op>(op);
  } catch (const cancelled&) {
    if (!scope.expired()) throw;
  }
  scope.leave_or_throw();
  throw_timed_out(waited_for, grace);
}

}  // namespace detail

/// Awaits `op`, which no cancel from outside reaches; it has `grace` to end, then it is cancelled.
///
/// For what must not be left half done, and for clean-up: it also begins when the task is cancelled
/// already. The value is given in any case; when the task is cancelled, the next await throws.
/// Takes anything that can be awaited.
/// @throws timed_out  `op` has not ended within `grace`.
/// @par Cancellation  None reaches `op`. If it does not end within `grace`, throws cancelled.
/// @par Lifetime      `op` outlives the await: make it in the same expression.
template <class Rep, class Period, class Op>
auto shielded(std::chrono::duration<Rep, Period> grace, Op&& op) {
  return protected_task<detail::await_result_t<Op>>(std::in_place, detail::run_shielded<Op>,
                                                    to_duration(grace), std::forward<Op>(op));
}

}  // namespace cetane
