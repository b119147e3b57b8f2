#include <cetane/conc/sleep.hpp>

#include <catch2/catch_test_macros.hpp>
#include <support/test_loop.hpp>

#include <chrono>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

namespace sleep_test {

using namespace std::chrono_literals;
using cetane::duration;
using cetane::event_loop;
using cetane::task;
using cetane::time_point;
using cetane::test::on_sim;
using cetane::test::test_loop;

namespace {

time_point now() { return event_loop::current()->now(); }

// Exact where time is simulated; elsewhere never less.
void check_elapsed(time_point since, duration wanted) {
  const duration elapsed = now() - since;
  if (on_sim()) {
    CHECK(elapsed == wanted);
  } else {
    CHECK(elapsed >= wanted);
  }
}

task<> check_sleeps(auto span, duration wanted) {
  const time_point begin = now();
  co_await cetane::sleep(span);
  check_elapsed(begin, wanted);
}

}  // namespace

TEST_CASE("SLP-1, NEW-26, W13: a sleep takes its time, and never less", "[conc][sleep]") {
  test_loop loop;
  loop.run([]() -> task<> {
    co_await check_sleeps(1ns, 1ns);
    co_await check_sleeps(999us, 999us);
    co_await check_sleeps(20ms, 20ms);
    co_await check_sleeps(0.003, 3ms);
    if (on_sim()) co_await check_sleeps(0.3, 300ms);
    co_await check_sleeps(std::chrono::duration<double, std::milli>(1.5), 1500us);
  });
  REQUIRE(loop.loop().stats().timers_live == 0);
}

TEST_CASE("a span that is no whole number of nanoseconds is rounded up", "[conc][sleep]") {
  using picoseconds = std::chrono::duration<long long, std::pico>;
  static_assert(cetane::to_duration(picoseconds(1)) == 1ns);
  static_assert(cetane::to_duration(picoseconds(1001)) == 2ns);
  test_loop loop;
  loop.run([]() -> task<> { co_await check_sleeps(picoseconds(1), 1ns); });
}

TEST_CASE("a span beyond the clock's range is the longest there is", "[conc][sleep]") {
  CHECK(cetane::to_duration(std::chrono::hours::max()) == duration::max());
  CHECK(cetane::to_duration(std::chrono::years(1000)) == duration::max());
  CHECK(cetane::to_duration(std::chrono::duration<double>(1e30)) == duration::max());
  test_loop loop;
  const auto sleeper = []() -> task<> { co_await cetane::sleep(std::chrono::years(1000)); };
  const auto forever = loop.spawn(sleeper);

  loop.run([]() -> task<> { co_await cetane::sleep(1ms); });

  REQUIRE_FALSE(forever.done());
}

TEST_CASE("SLP-2: sleepers do not wait for each other", "[conc][sleep]") {
  test_loop loop;
  std::vector<int> woken;
  const auto sleeper = [&](int ms) -> task<> {
    const time_point begin = now();
    co_await cetane::sleep(std::chrono::milliseconds(ms));
    check_elapsed(begin, std::chrono::milliseconds(ms));
    woken.push_back(ms);
  };

  for (const int ms : {30, 10, 20}) (void)loop.spawn(sleeper, ms);
  loop.loop().run_until([&] { return woken.size() == 3; });

  REQUIRE(woken == std::vector{10, 20, 30});
}

TEST_CASE("sleepers with the same deadline wake in the order in which they went to sleep",
          "[conc][sleep]") {
  test_loop loop;
  std::vector<int> woken;
  const auto sleeper = [&](int number, time_point until) -> task<> {
    co_await cetane::sleep_until(until);
    woken.push_back(number);
  };

  const time_point until = loop.loop().now() + 5ms;
  for (int n = 0; n < 5; ++n) (void)loop.spawn(sleeper, n, until);
  loop.loop().run_until([&] { return woken.size() == 5; });

  REQUIRE(woken == std::vector{0, 1, 2, 3, 4});
}

TEST_CASE("SLP-3: one yield, and one sleep of zero, give another task exactly one turn",
          "[conc][sleep]") {
  test_loop loop;
  std::string turns;
  const auto taking_turns = [&](char name, int kind) -> task<> {
    for (int i = 0; i < 4; ++i) {
      turns += name;
      if (kind == 0) co_await cetane::yield();
      if (kind == 1) co_await cetane::sleep(0);
      if (kind == 2) co_await cetane::sleep(0s);
      if (kind == 3) co_await cetane::sleep(-5s);
    }
  };
  for (int kind = 0; kind < 4; ++kind) {
    CAPTURE(kind);
    turns.clear();
    const auto a = loop.spawn(taking_turns, 'a', kind);
    const auto b = loop.spawn(taking_turns, 'b', kind);
    loop.loop().run_until([&] { return a.done() && b.done(); });
    CHECK(turns == "abababab");
  }
}

TEST_CASE("a yield gives everybody who is ready a turn", "[conc][sleep]") {
  test_loop loop;
  int others = 0;
  const auto other = [&]() -> task<> {
    ++others;
    co_return;
  };

  loop.run([&]() -> task<> {
    for (int i = 0; i < 1000; ++i) (void)cetane::spawn(other);
    co_await cetane::yield();
    CHECK(others == 1000);
  });
}

TEST_CASE("a deadline that has passed is now, and lets others go first", "[conc][sleep]") {
  test_loop loop;
  std::string order;
  const auto late = [&]() -> task<> {
    co_await cetane::sleep_until(now() - 1h);
    order += "late ";
  };
  const auto other = [&]() -> task<> {
    order += "other ";
    co_return;
  };
  const auto handle = loop.spawn(late);
  (void)loop.spawn(other);

  loop.loop().run_until([&] { return handle.done(); });

  REQUIRE(order == "other late ");
}

TEST_CASE("seconds that are no time at all are refused", "[conc][sleep]") {
  REQUIRE_THROWS_AS(cetane::sleep(-1.0), std::invalid_argument);
  REQUIRE_THROWS_AS(cetane::sleep(std::numeric_limits<double>::quiet_NaN()), std::invalid_argument);
}

TEST_CASE("a sleep can be kept and awaited more than once", "[conc][sleep]") {
  test_loop loop;
  loop.run([]() -> task<> {
    const cetane::sleep_op nap = cetane::sleep(2ms);
    const time_point begin = now();
    co_await nap;
    co_await nap;
    check_elapsed(begin, 4ms);
  });
}

TEST_CASE("a span below the clock's range, or of no number at all, is over at once",
          "[conc][sleep]") {
  test_loop loop;
  loop.run([]() -> task<> {
    co_await cetane::sleep(std::chrono::hours::min());
    co_await cetane::sleep(std::chrono::hours(-3'000'000));
    co_await cetane::sleep(std::chrono::duration<double>(std::nan("")));
    co_await cetane::sleep(std::chrono::duration<double>(-HUGE_VAL));
  });
  REQUIRE(loop.loop().stats().timers_armed == 0);
}

}  // namespace sleep_test
