#pragma once

#include <cetane/base/config.hpp>
#include <cetane/runtime/stats.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace cetane {

class event_loop;

namespace detail {

class timer_wheel;

/// Looks at the end of a loop whether anything was lost, doubled or left, whatever the loop did:
/// the promises of docs/howto/contribute.md. For tests, which say whom to tell; without them it
/// costs nothing.
class audit {
 public:
  /// The loop ends, and its tasks are as they were when it ran last.
  audit(event_loop& loop, const timer_wheel& timers) noexcept;

  /// Its tasks, messages and orphans have ended.
  void close() noexcept;

  /// Is called with a line for each promise that was broken, if there is one, on the thread on
  /// which the loop ended. Null: nobody is.
  using listener = void (*)(std::string_view broken);
  CETANE_API static void set_listener(listener wanted) noexcept;

 private:
  void look(std::string& broken) const;

  event_loop& loop_;
  const timer_wheel& timers_;
  std::size_t lost_tasks_ = 0;
};

}  // namespace detail
}  // namespace cetane
