#pragma once

#include <cetane/base/clock.hpp>
#include <cetane/conc/attached_errors.hpp>
#include <cetane/conc/shielded.hpp>
#include <cetane/conc/sleep.hpp>
#include <cetane/coro/callable_guard.hpp>
#include <cetane/coro/promise.hpp>
#include <cetane/coro/task.hpp>

#include <chrono>
#include <exception>
#include <functional>
#include <type_traits>
#include <utility>
#include <vector>

namespace cetane {

namespace detail {

// An error of the clean-up is thrown, unless there is one already that it can be attached to.
template <class T>
void settle_outcome(outcome<T>& out, std::exception_ptr clean_up) {
  if (!clean_up) return;
  if (const std::exception_ptr first = out.error()) {
    std::vector<std::exception_ptr> others;
    others.push_back(std::move(clean_up));
    attach_errors(first, std::move(others));
  } else {
    std::rethrow_exception(clean_up);
  }
}

template <class T, class CleanUp>
task<T> run_finally(task<T>&& body, CleanUp clean_up, duration grace) {
  outcome<T> out;
  try {
    if constexpr (std::is_void_v<T>) {
      co_await std::move(body);
      out.set_value();
    } else {
      out.set_value(co_await std::move(body));
    }
  } catch (...) {
    out.set_error(std::current_exception());
  }
  std::exception_ptr failed;
  try {
    co_await shielded(grace, std::invoke(clean_up));
  } catch (...) {
    failed = std::current_exception();
  }
  settle_outcome(out, std::move(failed));
  co_return out.take();
}

}  // namespace detail

/// Awaits a task, and then a clean-up, whether the task has ended with a value, by an error, or by
/// a cancel; then gives what the task ended with.
///
///     co_await finally(serve(peer), [&] { return say_goodbye(peer); });
///
/// `clean_up()` returns a task, for what waits; for what does not, scope_exit is enough. No cancel
/// from outside reaches the clean-up; it has `grace` to end, then it is cancelled. An error of its
/// own is thrown if the task had none, else it is among that one's attached_errors(). There is no
/// clean-up if the task never began: an await of a task that is cancelled already throws at once.
/// @par Cancellation  Reaches the body alone.
template <class T, class CleanUp, class Rep = std::chrono::seconds::rep,
          class Period = std::chrono::seconds::period>
task<T> finally(task<T>&& body, CleanUp&& clean_up,
                std::chrono::duration<Rep, Period> grace = std::chrono::seconds(5)) {
  detail::guard_callable<CleanUp>();
  static_assert(detail::is_task<std::invoke_result_t<std::decay_t<CleanUp>&>>,
                "finally(task, clean_up): clean_up() returns a task; for clean-up that does not "
                "wait there is scope_exit");
  return detail::run_finally<T, std::decay_t<CleanUp>>(
      std::move(body), std::forward<CleanUp>(clean_up), to_duration(grace));
}

}  // namespace cetane
