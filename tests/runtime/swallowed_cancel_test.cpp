// A cancelled task that catches everything and goes on is held back: it stops neither the loop nor
// the clock, and keeps no core busy.
#include <cetane/conc/deadline_scope.hpp>
#include <cetane/conc/sleep.hpp>
#include <cetane/conc/spawn.hpp>
#include <cetane/runtime/event_loop.hpp>

#include <catch2/catch_test_macros.hpp>
#include <support/gate.hpp>
#include <support/test_loop.hpp>

#include <chrono>
#include <coroutine>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace swallowed_cancel_test {

using namespace std::chrono_literals;
using cetane::cancelled;
using cetane::event_loop;
using cetane::join_handle;
using cetane::task;
using cetane::yield;
using cetane::test::gate;
using cetane::test::on_sim;
using cetane::test::test_loop;

namespace {

task<> swallow(std::function<task<>()> awaits, const bool& stop, int& caught) {
  while (!stop) {
    try {
      co_await awaits();
    } catch (...) {
      ++caught;
    }
  }
}

task<> swallow_in_place(gate& door, const bool& stop, int& caught) {
  while (!stop) {
    try {
      co_await door.wait();
    } catch (...) {
      ++caught;
    }
  }
}

task<int> five() { co_return 5; }

task<> nested(int levels, gate& door) {
  if (levels == 0) co_return co_await door.wait();
  co_await nested(levels - 1, door);
}

}  // namespace

TEST_CASE("a task that swallows its cancellation for ever leaves others their turns",
          "[runtime][cancel]") {
  test_loop test;
  event_loop& loop = test.loop();
  gate door;
  auto running = test.spawn([](gate& at) -> task<> { co_await at.wait(); }, std::ref(door));
  const std::pair<const char*, std::function<task<>()>> cases[] = {
      {"sleep", []() -> task<> { co_await cetane::sleep(1h); }},
      {"yield", []() -> task<> { co_await yield(); }},
      {"gate", [&]() -> task<> { co_await door.wait(); }},
      {"nested calls", [&]() -> task<> { co_await nested(40, door); }},
      {"a call that ends at once", []() -> task<> { co_await five(); }},
      {"nothing", []() -> task<> { co_return; }},
      {"a failure",
       []() -> task<> {
         co_await five();
         throw 1;
       }},
  };
  for (const auto& [name, awaits] : cases) {
    CAPTURE(name);
    bool stop = false;
    int caught = 0;
    int turns = 0;
    bool timer_came = false;
    bool message_came = false;
    auto spinner = test.spawn(swallow, awaits, std::cref(stop), std::ref(caught));
    loop.run_once(cetane::time_point::min());
    spinner.cancel();
    const auto other = [&]() -> task<> {
      for (; turns < 200; ++turns) co_await yield();
    };
    const auto sleeper = [&]() -> task<> {
      co_await cetane::sleep(5ms);
      timer_came = true;
    };
    const auto other_handle = test.spawn(other);
    const auto sleeper_handle = test.spawn(sleeper);
    loop.post([&] { message_came = true; });

    loop.run_until([&] {
      return other_handle.done() && sleeper_handle.done() && message_came && caught >= 30;
    });

    CHECK(turns == 200);
    CHECK(timer_came);
    CHECK_FALSE(spinner.done());
    stop = true;
    loop.run_until([&] { return spinner.done(); });
  }
  running.cancel();
  loop.run_until([&] { return running.done(); });
}

TEST_CASE("many such tasks share the turns", "[runtime][cancel]") {
  test_loop test;
  event_loop& loop = test.loop();
  gate door;
  bool stop = false;
  std::vector<int> caught(100);
  std::vector<join_handle<>> spinners;
  for (int& each : caught) {
    spinners.push_back(
        test.spawn(swallow_in_place, std::ref(door), std::cref(stop), std::ref(each)));
  }
  loop.run_until([&] { return door.waiting() == 100; });
  for (auto& each : spinners) each.cancel();

  bool all = false;
  loop.run_until([&] {
    all = true;
    for (const int each : caught) all = all && each >= 30;
    return all;
  });

  CHECK(all);
  stop = true;
  loop.run_until([&] { return loop.stats().tasks_alive == 0; });
}

TEST_CASE("the first awaits of a turn throw at once, the next turn comes a millisecond later",
          "[runtime][cancel]") {
  test_loop test;
  event_loop& loop = test.loop();
  gate door;
  std::vector<cetane::time_point> caught_at;
  const auto body = [&]() -> task<> {
    while (caught_at.size() < 27) {
      try {
        co_await door.wait();
      } catch (...) {
        caught_at.push_back(loop.now());
      }
    }
  };
  auto spinner = test.spawn(body);
  loop.run_until([&] { return door.waiting() == 1; });

  const cetane::time_point begin = loop.now();
  spinner.cancel();
  loop.run_until([&] { return spinner.done(); });

  // In each turn the wait itself ends, and then as many awaits throw as may.
  constexpr std::size_t a_turn = 1 + event_loop::refusals_per_resume;
  for (std::size_t turn = 0; turn < 3; ++turn) {
    const auto since = [&](std::size_t n) { return caught_at[turn * a_turn + n] - begin; };
    CAPTURE(turn);
    CHECK(since(0) >= turn * event_loop::postponement);
    if (on_sim()) CHECK(since(0) == turn * event_loop::postponement);
    if (on_sim()) CHECK(since(a_turn - 1) == since(0));
  }
  CHECK(door.waiting() == 0);
}

TEST_CASE("a task that leaves the cancelled scope in the turn in which it was held back waits on",
          "[runtime][cancel]") {
  test_loop test;
  event_loop& loop = test.loop();
  gate door;
  bool left = false;
  const auto body = [&]() -> task<> {
    {
      const cetane::detail::deadline_scope scope(1ms);
      for (unsigned n = 0; n < 1 + event_loop::refusals_per_resume; ++n) {
        try {
          co_await door.wait();
        } catch (const cancelled&) {
        }
      }
      co_await std::suspend_never();  // one too many, but it has nothing to wait for
    }
    left = true;
    co_await door.wait();
  };
  auto handle = test.spawn(body);

  loop.run_until([&] { return left; });
  CHECK(door.waiting() == 1);
  test.run([]() -> task<> { co_await cetane::sleep(2 * event_loop::postponement); });
  CHECK_FALSE(handle.done());
  door.open();
  loop.run_until([&] { return handle.done(); });
}

TEST_CASE("a task that swallows its cancellation a few times and ends has seen it each time",
          "[runtime][cancel]") {
  test_loop test;
  gate door;
  int caught = 0;
  const auto body = [&]() -> task<int> {
    for (int i = 0; i < 20; ++i) {
      try {
        co_await door.wait();
      } catch (const cancelled&) {
        ++caught;
      }
    }
    co_return caught;
  };
  auto handle = test.spawn(body);
  test.loop().run_until([&] { return door.waiting() == 1; });
  handle.cancel();
  test.loop().run_until([&] { return handle.done(); });
  REQUIRE(caught == 20);
  REQUIRE(door.waiting() == 0);
}

TEST_CASE("a loop ends even if a task swallows its cancellation", "[runtime][cancel]") {
  gate door;
  int caught = 0;
  const bool stop = false;
  {
    test_loop test;
    auto spinner = test.spawn(swallow_in_place, std::ref(door), std::cref(stop), std::ref(caught));
    test.loop().run_until([&] { return door.waiting() == 1; });
    spinner.cancel();
    for (int i = 0; i < 3; ++i) test.loop().run_once(cetane::time_point::min());
  }
  CHECK(caught >= 3);
  CHECK(door.waiting() == 0);
}

}  // namespace swallowed_cancel_test
