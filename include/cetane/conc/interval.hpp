#pragma once

#include <cetane/base/clock.hpp>
#include <cetane/base/config.hpp>
#include <cetane/conc/selectable.hpp>
#include <cetane/conc/sleep.hpp>
#include <cetane/runtime/timer.hpp>

#include <chrono>
#include <string>

namespace cetane {

class tick_op;

/// Ticks at regular times, however long the work in between takes.
///
///     interval tick(1s);
///     for (;;) {
///       co_await refresh();
///       co_await tick.next();
///     }
///
/// The first tick is one period after the interval was made, and each later one a whole number of
/// periods after it. Of ticks that pass while nobody waits, one is kept; so the work is never
/// behind by more than one. Several tasks may wait for a tick: all of them get it.
class CETANE_API interval {
 public:
  /// @throws std::invalid_argument  The period is not positive.
  /// @throws std::logic_error       No event loop runs on this thread.
  explicit interval(any_duration period);

  /// Waits for the next tick. An arm of first() that loses leaves it for later.
  ///
  /// @par Lifetime  The interval outlives the await.
  tick_op next() noexcept;

  duration period() const noexcept { return period_; }

 private:
  friend class tick_wait;

  void pass(time_point now) noexcept;

  duration period_;
  time_point next_;
};

/// The wait of a task for a tick.
class CETANE_API tick_wait final : public selectable, detail::timer {
 public:
  explicit tick_wait(const tick_op& op) noexcept;

  bool poll() noexcept;
  void arm() noexcept;
  void disarm() noexcept { timer::disarm(); }
  void commit() noexcept;
  std::string describe_wait() const;

 private:
  void on_timer() noexcept override;

  interval& interval_;
  bool elapsed_ = false;
};

/// Waits for a tick; made by interval::next().
class [[nodiscard("a tick is waited for by awaiting it")]] tick_op {
 public:
  using select_type = tick_wait;

  explicit tick_op(interval & of) noexcept : interval_(&of) {}

  sole_wait<tick_wait> operator co_await() const noexcept { return sole_wait<tick_wait>(*this); }

 private:
  friend tick_wait;

  interval* interval_;
};

inline tick_op interval::next() noexcept { return tick_op(*this); }

inline tick_wait::tick_wait(const tick_op& op) noexcept : interval_(*op.interval_) {}

}  // namespace cetane
