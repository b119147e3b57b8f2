#include "cetane/conc/timeout.hpp"

#include "support/test_loop.hpp"

#include <cetane/conc/join_handle.hpp>
#include <cetane/conc/sleep.hpp>
#include <cetane/conc/spawn.hpp>
#include <cetane/runtime/this_task.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace timeout_test {

using namespace cetane;
using namespace std::chrono_literals;
using Catch::Matchers::Message;
using cetane::test::on_sim;
using cetane::test::test_loop;

namespace {

time_point now() { return event_loop::current()->now(); }

// To the nanosecond where time is simulated; elsewhere never less.
void check_elapsed(time_point since, duration wanted) {
  const duration elapsed = now() - since;
  if (on_sim()) {
    CHECK(elapsed == wanted);
  } else {
    CHECK(elapsed >= wanted);
  }
}

// Nothing is left of a timeout: no timer, and the task in the loop's own scope.
void check_nothing_armed(test_loop& loop) {
  const loop_stats stats = loop.loop().stats();
  CHECK(stats.timers_live == 0);
  CHECK(stats.tasks_alive == 0);
  CHECK(loop.loop().scope().empty());
}

task<int> five_after(duration span) {
  co_await sleep(span);
  co_return 5;
}

task<int> five() { co_return 5; }

task<> forever() { co_await sleep_until(never); }

}  // namespace

TEST_CASE("a value in time is the result, and nothing stays armed", "[conc][timeout]") {
  test_loop loop;

  loop.run([]() -> task<> {
    const time_point begin = now();
    const int value = co_await with_timeout(1h, five_after(2ms));
    CHECK(value == 5);
    check_elapsed(begin, 2ms);
  });

  check_nothing_armed(loop);
  CHECK(loop.loop().stats().timers_fired == 1);
}

TEST_CASE("a timeout throws when the time is over, not before", "[conc][timeout]") {
  test_loop loop;

  loop.run([]() -> task<> {
    const time_point begin = now();
    bool over = false;
    try {
      co_await with_timeout(20ms, sleep(1h));
    } catch (const timed_out&) {
      over = true;
    }
    CHECK(over);
    check_elapsed(begin, 20ms);
  });

  check_nothing_armed(loop);
}

TEST_CASE("timed_out says what was waited for, and how long it had", "[conc][timeout][not-epoll]") {
  test_loop loop;
  auto sleeping = []() -> task<> { co_await with_timeout(2s, sleep(10s)); };
  auto inside = []() -> task<> { co_await with_timeout(1500ms, five_after(10s)); };
  auto deadline = []() -> task<> { co_await with_deadline(now() + 1s, sleep(10s)); };

  CHECK_THROWS_MATCHES(loop.run(sleeping), timed_out,
                       Message("sleep, 8 s left: not done within 2 s"));
  CHECK_THROWS_MATCHES(loop.run(inside), timed_out,
                       Message("sleep, 8.5 s left: not done within 1.5 s"));
  CHECK_THROWS_MATCHES(loop.run(deadline), timed_out,
                       Message("sleep, 9 s left: not done by its deadline"));
}

TEST_CASE("timed_out of a join names the task that was joined", "[conc][timeout]") {
  test_loop loop;

  loop.run([]() -> task<> {
    auto worker = spawn(forever).label("worker 7");
    std::string text;
    try {
      co_await with_timeout(1ms, worker);
    } catch (const timed_out& e) {
      text = e.what();
    }
    CHECK(text == "join worker 7: not done within 1 ms");
    CHECK_FALSE(worker.done());
    worker.cancel();
  });
}

TEST_CASE("a deadline is a point of time on the loop's clock", "[conc][timeout]") {
  test_loop loop;

  loop.run([]() -> task<> {
    const time_point begin = now();
    bool over = false;
    try {
      co_await with_deadline(begin + 15ms, forever());
    } catch (const timed_out& e) {
      over = e.code() == std::errc::timed_out;
    }
    CHECK(over);
    check_elapsed(begin, 15ms);
    const int value = co_await with_deadline(never, five_after(1ms));
    CHECK(value == 5);
  });

  check_nothing_armed(loop);
}

TEST_CASE("moving on gives an empty optional when the time is over", "[conc][timeout]") {
  test_loop loop;

  loop.run([]() -> task<> {
    const std::optional<int> in_time = co_await move_on_after(1h, five_after(1ms));
    CHECK(in_time == 5);
    const time_point begin = now();
    const std::optional<int> late = co_await move_on_after(10ms, five_after(1h));
    CHECK_FALSE(late.has_value());
    check_elapsed(begin, 10ms);
  });

  check_nothing_armed(loop);
}

TEST_CASE("moving on from what has no value says whether it ended", "[conc][timeout]") {
  test_loop loop;

  loop.run([]() -> task<> {
    const bool slept = co_await move_on_after(1h, sleep(1ms));
    CHECK(slept);
    const bool late = co_await move_on_after(1ms, forever());
    CHECK_FALSE(late);
  });
}

TEST_CASE("an empty result in time is not the end of the time", "[conc][timeout]") {
  test_loop loop;
  auto nothing = []() -> task<std::optional<int>> { co_return std::nullopt; };

  loop.run([&]() -> task<> {
    const auto result = co_await move_on_after(1h, nothing());
    REQUIRE(result.has_value());
    CHECK_FALSE(result->has_value());
  });
}

TEST_CASE("a timeout of zero gives what is ready a chance", "[conc][timeout]") {
  test_loop loop;

  loop.run([]() -> task<> {
    const int ready = co_await with_timeout(0s, five());
    CHECK(ready == 5);
    const bool yielded = co_await move_on_after(0s, yield());
    CHECK(yielded);
    const time_point begin = now();
    const auto waiting = co_await move_on_after(0s, five_after(1h));
    CHECK_FALSE(waiting.has_value());
    check_elapsed(begin, 0ns);
    const auto negative = co_await move_on_after(-5s, five_after(1h));
    CHECK_FALSE(negative.has_value());
    bool over = false;
    try {
      co_await with_deadline(begin - 1s, forever());
    } catch (const timed_out&) {
      over = true;
    }
    CHECK(over);
  });

  check_nothing_armed(loop);
}

TEST_CASE("spans of any unit are taken, and the longest never end", "[conc][timeout]") {
  test_loop loop;

  loop.run([]() -> task<> {
    const int a = co_await with_timeout(std::chrono::hours::max(), five_after(1ms));
    const int b = co_await with_timeout(std::chrono::duration<double>(3600.5), five_after(1ms));
    CHECK(a + b == 10);
    const time_point begin = now();
    const auto late =
        co_await move_on_after(std::chrono::duration<double, std::milli>(0.5), five_after(1h));
    CHECK_FALSE(late.has_value());
    check_elapsed(begin, 500us);
  });
}

TEST_CASE("of nested deadlines the inner one counts when it is earlier", "[conc][timeout]") {
  test_loop loop;

  loop.run([]() -> task<> {
    const time_point begin = now();
    auto body = []() -> task<std::string> {
      const auto inner = co_await move_on_after(5ms, five_after(1h));
      co_await sleep(1ms);  // the outer time is not over
      co_return inner ? "in time" : "inner";
    };
    const auto outer = co_await move_on_after(1h, body());
    CHECK(outer == "inner");
    check_elapsed(begin, 6ms);
  });

  check_nothing_armed(loop);
}

TEST_CASE("of nested deadlines the outer one counts when it is earlier", "[conc][timeout]") {
  test_loop loop;

  loop.run([]() -> task<> {
    const time_point begin = now();
    bool inner_moved_on = false;
    auto body = [&]() -> task<> {
      co_await move_on_after(1h, forever());
      inner_moved_on = true;
    };
    const bool finished = co_await move_on_after(5ms, body());
    CHECK_FALSE(finished);
    CHECK_FALSE(inner_moved_on);
    check_elapsed(begin, 5ms);
  });

  check_nothing_armed(loop);
}

TEST_CASE("of nested deadlines at one time the outer one counts", "[conc][timeout]") {
  test_loop loop;

  loop.run([]() -> task<> {
    const time_point deadline = now() + 3ms;
    bool inner_ended = false;
    auto body = [&]() -> task<> {
      try {
        co_await with_deadline(deadline, forever());
      } catch (const timed_out&) {
        inner_ended = true;
      }
    };
    bool outer_ended = false;
    try {
      co_await with_deadline(deadline, body());
    } catch (const timed_out&) {
      outer_ended = true;
    }
    CHECK(outer_ended);
    CHECK_FALSE(inner_ended);
  });
}

TEST_CASE(
    "a task whose deadline has passed is cancelled at each await, and no longer than within it",
    "[conc][timeout]") {
  test_loop loop;

  loop.run([]() -> task<> {
    int refused = 0;
    auto stubborn = [&refused]() -> task<int> {
      for (int i = 0; i < 3; ++i) {
        try {
          co_await sleep(1h);
        } catch (const cancelled& e) {
          if (e.reason == cancel_reason::timeout) ++refused;
        }
      }
      co_return 8;
    };
    const auto value = co_await move_on_after(1ms, stubborn());
    CHECK(refused == 3);
    CHECK(value == 8);  // what it returns in spite of the deadline counts
    const int after = co_await five_after(1ms);
    CHECK(after == 5);
  });

  check_nothing_armed(loop);
}

TEST_CASE("what else the operation throws is thrown", "[conc][timeout]") {
  test_loop loop;
  auto failing = []() -> task<> {
    try {
      co_await forever();
    } catch (const cancelled&) {
      throw std::out_of_range("on its way out");
    }
  };
  auto late = [&]() -> task<> { co_await with_timeout(1ms, failing()); };
  auto moved_on = [&]() -> task<> { co_await move_on_after(1ms, failing()); };

  CHECK_THROWS_MATCHES(loop.run(late), std::out_of_range, Message("on its way out"));
  CHECK_THROWS_MATCHES(loop.run(moved_on), std::out_of_range, Message("on its way out"));
  check_nothing_armed(loop);
}

TEST_CASE("a cancelled task throws cancelled out of its timeouts and stays cancelled",
          "[conc][timeout]") {
  test_loop loop;
  std::vector<cancel_reason> reasons;
  auto waiting = loop.spawn([&]() -> task<> {
    for (int i = 0; i < 2; ++i) {
      try {
        co_await with_timeout(1h, move_on_after(1h, forever()));
      } catch (const cancelled& e) {
        reasons.push_back(e.reason);
      }
    }
  });
  auto canceller = loop.spawn([&]() -> task<> {
    co_await yield();
    waiting.cancel();
  });

  loop.loop().run_until([&] { return waiting.done() && canceller.done(); });

  CHECK(reasons == std::vector<cancel_reason>{cancel_reason::user, cancel_reason::user});
  check_nothing_armed(loop);
}

TEST_CASE("a task that is cancelled while its deadline passes is cancelled, not timed out",
          "[conc][timeout]") {
  test_loop loop;
  join_handle<> waiting;
  bool was_cancelled = false;
  bool stays_cancelled = false;
  // It is resumed after the deadline, in the same pass, and cancels the other task before that one
  // is resumed.
  auto canceller = [&](time_point deadline) -> task<> {
    co_await sleep_until(deadline);
    waiting.cancel();
  };
  auto body = [&](time_point deadline) -> task<> {
    try {
      co_await with_deadline(deadline, forever());
    } catch (const cancelled& e) {
      was_cancelled = e.reason == cancel_reason::user;
    }
    try {
      co_await yield();
    } catch (const cancelled&) {
      stays_cancelled = true;
    }
  };

  const time_point deadline = loop.loop().now() + 2ms;
  auto first = loop.spawn(canceller, deadline);
  waiting = loop.spawn(body, deadline);
  loop.loop().run_until([&] { return waiting.done() && first.done(); });

  CHECK(was_cancelled);
  CHECK(stays_cancelled);
}

TEST_CASE("tasks that are spawned within a deadline are cancelled by it", "[conc][timeout]") {
  test_loop loop;

  loop.run([]() -> task<> {
    join_handle<> child;
    auto body = [&child]() -> task<> {
      child = spawn(forever);
      co_await forever();
    };
    const bool finished = co_await move_on_after(2ms, body());
    CHECK_FALSE(finished);
    cancel_reason reason = cancel_reason::none;
    try {
      co_await child;
    } catch (const cancelled& e) {
      reason = e.reason;
    }
    CHECK(reason == cancel_reason::timeout);
  });

  check_nothing_armed(loop);
}

TEST_CASE("tasks that outlive the region of their deadline are free of it", "[conc][timeout]") {
  test_loop loop;

  loop.run([]() -> task<> {
    join_handle<int> child;
    auto nested = []() -> task<int> { co_return co_await with_timeout(1h, five_after(30ms)); };
    auto body = [&]() -> task<> {
      child = spawn(nested);
      co_return;  // at once: no clock runs meanwhile, however slow the machine
    };
    co_await with_timeout(1ms, body());
    const int value = co_await child;
    CHECK(value == 5);
  });

  check_nothing_armed(loop);
}

TEST_CASE("tasks that a deadline has cancelled stay so after it", "[conc][timeout]") {
  test_loop loop;

  loop.run([]() -> task<> {
    int refused = 0;
    join_handle<> child;
    auto stubborn = [&refused]() -> task<> {
      for (int i = 0; i < 4; ++i) {
        try {
          co_await move_on_after(1h, yield());
          co_await sleep(1h);
        } catch (const cancelled&) {
          ++refused;
        }
      }
    };
    auto body = [&]() -> task<> {
      child = spawn(stubborn);
      co_await forever();
    };
    co_await move_on_after(2ms, body());
    co_await child;
    CHECK(refused == 4);
  });

  check_nothing_armed(loop);
}

TEST_CASE("a joined task goes on when the join times out", "[conc][timeout]") {
  test_loop loop;

  loop.run([]() -> task<> {
    auto child = spawn(five_after, 10ms);
    const auto early = co_await move_on_after(1ms, child);
    CHECK_FALSE(early.has_value());
    const int value = co_await with_timeout(1h, child);
    CHECK(value == 5);
  });
}

TEST_CASE("a hundred thousand timeouts leave nothing behind", "[conc][timeout]") {
  test_loop loop;
  constexpr int rounds = 100'000;

  loop.run([]() -> task<> {
    int sum = 0;
    for (int i = 0; i < rounds; ++i) sum += co_await with_timeout(1h, five());
    CHECK(sum == 5 * rounds);
    for (int i = 0; i < rounds; ++i) co_await move_on_after(1h, yield());
  });

  check_nothing_armed(loop);
  const loop_stats stats = loop.loop().stats();
  CHECK(stats.timers_armed == 2 * rounds);
  CHECK(stats.timers_cancelled == 2 * rounds);
}

TEST_CASE("a loop that is destroyed within timeouts takes their tasks along", "[conc][timeout]") {
  auto owned = std::make_shared<int>(1);
  {
    test_loop loop;
    auto inner = [](std::shared_ptr<int>) -> task<> {
      auto child = spawn(forever);
      co_await with_timeout(1h, child);
    };
    loop.spawn(
        [&inner](std::shared_ptr<int> kept) -> task<> { co_await move_on_after(1h, inner(kept)); },
        owned);
    loop.loop().run_once(time_point::min());
    loop.loop().run_once(time_point::min());
    CHECK(owned.use_count() > 1);
  }
  CHECK(owned.use_count() == 1);
}

TEST_CASE("a timeout outside of a task is refused", "[conc][timeout]") {
  CHECK_THROWS_AS(detail::deadline_scope(1s), std::logic_error);
}

}  // namespace timeout_test
