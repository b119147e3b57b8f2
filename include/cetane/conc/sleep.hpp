#pragma once

#include <cetane/base/clock.hpp>
#include <cetane/base/config.hpp>
#include <cetane/conc/selectable.hpp>
#include <cetane/coro/task_context.hpp>
#include <cetane/runtime/event_loop.hpp>
#include <cetane/runtime/timer.hpp>

#include <algorithm>
#include <chrono>
#include <coroutine>
#include <string>

namespace cetane {

class sleep_op;

/// A sleep while somebody awaits it.
class CETANE_API sleep_wait final : public selectable, detail::timer {
 public:
  explicit sleep_wait(const sleep_op& op) noexcept;

  bool poll() const noexcept { return elapsed_; }
  void arm() noexcept;
  void disarm() noexcept { timer::disarm(); }
  void commit() const noexcept {}
  std::string describe_wait() const;

 private:
  void on_timer() noexcept override;

  const time_point deadline_;
  const duration span_;  // negative: until deadline_
  bool elapsed_ = false;
};

/// Waits for a span of time; see sleep().
class [[nodiscard("a sleep does nothing until it is awaited")]] sleep_op {
 public:
  using select_type = sleep_wait;

  explicit sleep_op(duration span) noexcept : deadline_(), span_(span) {}
  explicit sleep_op(time_point deadline) noexcept : deadline_(deadline), span_(-1) {}

  sole_wait<sleep_wait> operator co_await() const noexcept { return sole_wait<sleep_wait>(*this); }

 private:
  friend sleep_wait;

  time_point deadline_;
  duration span_;
};

inline sleep_wait::sleep_wait(const sleep_op& op) noexcept
    : deadline_(op.deadline_), span_(op.span_) {}

/// Gives every ready task one turn before this one goes on; see yield().
class [[nodiscard("a yield does nothing until it is awaited")]] yield_op {
 public:
  yield_op() noexcept = default;
  bool await_ready() const noexcept { return false; }
  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> frame) const noexcept {
    frame.promise().context->pause(frame);
  }
  void await_resume() const noexcept {}
};

/// Goes to the end of the ready queue: everybody who is ready has one turn. Always suspends.
inline yield_op yield() noexcept { return yield_op(); }

/// Suspends for `span`, never less. Zero (or less) is a yield(), also as an arm of first(): what is
/// ready at once goes before it.
///
/// @par Cancellation  Throws cancelled at once.
template <class Rep, class Period>
sleep_op sleep(std::chrono::duration<Rep, Period> span) noexcept {
  return sleep_op(std::max(duration::zero(), to_duration(span)));
}

/// Suspends for `seconds`, as in diesel: sleep(1), sleep(0.25). Without this overload a bare
/// sleep(1) would quietly be POSIX's.
///
/// @throws std::invalid_argument  `seconds` is negative or not a number.
inline sleep_op sleep(double seconds) { return sleep_op(seconds_to_duration(seconds)); }

/// Suspends until `deadline` has come.
inline sleep_op sleep_until(time_point deadline) noexcept { return sleep_op(deadline); }

}  // namespace cetane
