#pragma once

#include <cetane/base/config.hpp>
#include <cetane/conc/join_handle.hpp>
#include <cetane/coro/task.hpp>
#include <cetane/runtime/event_loop.hpp>
#include <cetane/sync/event.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>

namespace cetane::testing {

/// Cancels a task at one moment: before it begins, which is moment 0, or when it is suspended,
/// which is each time when everybody who was ready has had a turn, and between two passes of the
/// loop.
///
/// What is behind cancel_everywhere(); by itself it is for loops that the test makes.
class CETANE_API interrupter {
 public:
  /// What the task is called that goes along.
  static constexpr const char* name = "who cancels the test";

  interrupter(event_loop& loop, join_handle<>& task, std::size_t moment);
  interrupter(const interrupter&) = delete;
  interrupter& operator=(const interrupter&) = delete;
  ~interrupter();

  /// Calls `look()` right before the task is cancelled.
  void before_cancel(std::function<void()> look) { before_cancel_ = std::move(look); }

  /// Runs the loop until the task has ended, and calls `step()`, if there is one, before each wait;
  /// what that throws is thrown here. False if the task ended before its moment came.
  bool run(const std::function<void()>& step = {});

 private:
  bool step();
  void next_moment();
  task<> look();
  bool look_once();

  event_loop& loop_;
  join_handle<>& task_;
  std::size_t moment_;
  std::function<void()> before_cancel_;
  std::size_t moments_ = 0;
  std::uint64_t seen_ = 0;
  std::uint64_t own_turns_ = 0;
  std::uint64_t passes_ = 0;
  event rest_;
  bool cancelled_ = false;
};

}  // namespace cetane::testing
