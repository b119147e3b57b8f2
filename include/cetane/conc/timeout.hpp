#pragma once

#include <cetane/base/clock.hpp>
#include <cetane/base/config.hpp>
#include <cetane/base/errors.hpp>
#include <cetane/conc/await_result.hpp>
#include <cetane/conc/deadline_scope.hpp>
#include <cetane/conc/sleep.hpp>
#include <cetane/coro/task.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

namespace cetane {

namespace detail {

[[noreturn]] CETANE_API void throw_timed_out(const std::string& waited_for, duration span);
[[noreturn]] CETANE_API void throw_timed_out(const std::string& waited_for, time_point deadline);

// The task that these return is awaited in the expression that made `op`, which lives until then.

template <class Limit, class Op>
task<await_result_t<Op>> finish_within(Limit limit, Op&& op) {
  std::string waited_for;
  deadline_scope scope(limit, &waited_for);
  try {
    co_return co_await std::forward<Op>(op);
  } catch (const cancelled&) {
    if (!scope.expired()) throw;
  }
  scope.leave_or_throw();
  throw_timed_out(waited_for, limit);
}

template <class T>
struct in_time {
  using type = std::optional<std::remove_cvref_t<T>>;
};
template <>
struct in_time<void> {
  using type = bool;
};

template <class Limit, class Op>
task<typename in_time<await_result_t<Op>>::type> give_up_after(Limit limit, Op&& op) {
  deadline_scope scope(limit);
  try {
    if constexpr (std::is_void_v<await_result_t<Op>>) {
      co_await std::forward<Op>(op);
      co_return true;
    } else {
      co_return co_await std::forward<Op>(op);
    }
  } catch (const cancelled&) {
    if (!scope.expired()) throw;
  }
  scope.leave_or_throw();
  co_return {};
}

}  // namespace detail

/// Awaits `op`, which has `span` to end, and gives its result.
///
/// Takes anything that can be awaited: a task, a read, a send, a sleep, a join_handle. Suspends if
/// `op` does. Everything that `op` does and spawns is cancelled when the time is over; what it
/// returns in spite of that is its result, and what else it throws is thrown. A span of zero means
/// now: an `op` that need not wait succeeds. Timeouts nest, and the earliest counts.
/// @throws timed_out  The time was over first; says what was waited for then, and how long it had.
/// @par Cancellation  Throws cancelled, also when the time is over at once.
/// @par Lifetime      `op` outlives the await: make it in the same expression.
template <class Rep, class Period, class Op>
auto with_timeout(std::chrono::duration<Rep, Period> span, Op&& op) {
  return detail::finish_within(to_duration(span), std::forward<Op>(op));
}

/// As with_timeout(), for a point of time on the loop's clock. A deadline that has passed counts as
/// now.
template <class Op>
auto with_deadline(time_point deadline, Op&& op) {
  return detail::finish_within(deadline, std::forward<Op>(op));
}

/// As with_timeout(), but says that the time was over by an empty optional, or by false for an `op`
/// without a value.
template <class Rep, class Period, class Op>
auto move_on_after(std::chrono::duration<Rep, Period> span, Op&& op) {
  return detail::give_up_after(to_duration(span), std::forward<Op>(op));
}

}  // namespace cetane
