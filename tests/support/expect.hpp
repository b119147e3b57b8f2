#pragma once

#include <cetane/base/errors.hpp>
#include <cetane/coro/task.hpp>

#include <catch2/catch_test_macros.hpp>
#include <support/test_loop.hpp>

#include <exception>
#include <string>
#include <utility>

namespace cetane::test {

/// What an awaitable throws, as text: its what(); "cancelled: REASON" for a cancel; "" for nothing.
template <class Op>
task<std::string> thrown_by(Op&& op) {
  std::string text;
  try {
    co_await std::forward<Op>(op);
  } catch (const cancelled& e) {
    text = std::string("cancelled: ") + to_string(e.reason);
  } catch (const std::exception& e) {
    text = e.what();
  }
  co_return text;
}

/// No task, timer or scope is left of what the loop ran.
inline void check_nothing_left(test_loop& loop) {
  const loop_stats stats = loop.loop().stats();
  CHECK(stats.timers_live == 0);
  CHECK(stats.tasks_alive == 0);
  CHECK(loop.loop().scope().empty());
}

}  // namespace cetane::test
