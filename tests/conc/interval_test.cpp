#include "cetane/conc/interval.hpp"

#include <cetane/conc/backoff.hpp>
#include <cetane/conc/finally.hpp>
#include <cetane/conc/first.hpp>
#include <cetane/conc/shielded.hpp>
#include <cetane/conc/sleep.hpp>
#include <cetane/conc/timeout.hpp>

#include <catch2/catch_test_macros.hpp>
#include <support/expect.hpp>
#include <support/probe_op.hpp>
#include <support/test_loop.hpp>

#include <chrono>
#include <stdexcept>
#include <vector>

namespace interval_test {

using namespace cetane;
using namespace cetane::test;
using namespace std::chrono_literals;

namespace {

time_point now() { return event_loop::current()->now(); }

}  // namespace

TEST_CASE("ticks keep their times whatever the work between them takes",
          "[conc][interval][not-epoll]") {
  test_loop loop;
  std::vector<duration> ticks;
  loop.run([&]() -> task<> {
    const time_point begin = now();
    interval tick(10ms);
    for (const duration work : {duration(0s), duration(4ms), duration(9ms), duration(10ms)}) {
      co_await sleep(work);
      co_await tick.next();
      ticks.push_back(now() - begin);
    }
  });
  CHECK(ticks == std::vector<duration>{10ms, 20ms, 30ms, 40ms});
  check_nothing_left(loop);
}

TEST_CASE("of the ticks that were missed one is made up for, at once",
          "[conc][interval][not-epoll]") {
  test_loop loop;
  std::vector<duration> ticks;
  loop.run([&]() -> task<> {
    const time_point begin = now();
    interval tick(10ms);
    co_await sleep(37ms);
    for (int i = 0; i < 3; ++i) {
      co_await tick.next();
      ticks.push_back(now() - begin);
    }
  });
  CHECK(ticks == std::vector<duration>{37ms, 40ms, 50ms});
}

TEST_CASE("a tick is never early", "[conc][interval]") {
  test_loop loop;
  loop.run([]() -> task<> {
    const time_point begin = now();
    interval tick(2ms);
    for (int i = 1; i <= 5; ++i) {
      co_await tick.next();
      CHECK(now() - begin >= i * 2ms);
    }
  });
}

TEST_CASE("a tick that loses in first is not lost", "[conc][interval][not-epoll]") {
  test_loop loop;
  loop.run([]() -> task<> {
    interval tick(10ms);
    probe ready;
    ready.there = 1;
    co_await sleep(12ms);
    auto one = co_await first(ready, tick.next());
    CHECK(std::get<0>(one));
    auto two = co_await first(ready, tick.next());
    CHECK(std::get<1>(two));
    const bool in_time = co_await move_on_after(1ms, tick.next());
    CHECK_FALSE(in_time);
    const time_point before = now();
    co_await tick.next();
    CHECK(now() - before == 7ms);
  });
  check_nothing_left(loop);
}

TEST_CASE("a tick that several tasks wait for is counted once", "[conc][interval][not-epoll]") {
  test_loop loop;
  std::vector<duration> ticks;
  loop.run([&]() -> task<> {
    const time_point begin = now();
    interval tick(1s);
    const auto follow = [&]() -> task<> {
      for (int i = 0; i < 3; ++i) {
        co_await tick.next();
        ticks.push_back(now() - begin);
      }
    };
    auto one = spawn(follow);
    auto other = spawn(follow);
    co_await one;
    co_await other;
  });
  CHECK(ticks == std::vector<duration>{1s, 1s, 2s, 2s, 3s, 3s});
}

TEST_CASE("an interval that lasts longer than the clock does not tick", "[conc][interval]") {
  test_loop loop;
  loop.run([]() -> task<> {
    interval tick(std::chrono::hours::max());
    CHECK(tick.period() == duration::max());
    const bool ticked = co_await move_on_after(1ms, tick.next());
    CHECK_FALSE(ticked);
    CHECK_THROWS_AS(interval(std::chrono::hours::min()), std::invalid_argument);
    CHECK_THROWS_AS(interval(std::chrono::hours(-1)), std::invalid_argument);
  });
}

TEST_CASE("no timeout of any length overflows", "[conc][interval]") {
  using hours = std::chrono::hours;
  test_loop loop;
  loop.run([]() -> task<> {
    const auto nap = []() -> task<> { co_await sleep(1ms); };
    co_await with_timeout(hours::max(), nap());
    co_await shielded(hours::max(), nap());
    co_await finally(nap(), nap, hours::max());
    for (const hours none : {hours::min(), hours(-1)}) {
      const bool ended = co_await move_on_after(none, nap());
      CHECK_FALSE(ended);
    }
    backoff pause(hours::max(), hours::max());
    CHECK(pause.next() == duration::max());
    CHECK(pause.next() == duration::max());
  });
}

TEST_CASE("an interval of no length is refused", "[conc][interval]") {
  test_loop loop;
  loop.run([]() -> task<> {
    CHECK_THROWS_AS(interval(0ms), std::invalid_argument);
    co_return;
  });
  CHECK_THROWS_AS(interval(1ms), std::logic_error);
}

}  // namespace interval_test
