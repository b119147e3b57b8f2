// However many awaits, however deep, on a stack of 256 KiB: see 'stack_kib' in meson.build.
#include <cetane/coro/task.hpp>

#include <cetane/conc/sleep.hpp>

#include <catch2/catch_test_macros.hpp>
#include <support/gate.hpp>
#include <support/test_loop.hpp>
#include <support/traced.hpp>

#include <algorithm>
#include <coroutine>
#include <optional>
#include <stdexcept>
#include <vector>

namespace await_depth_test {

using cetane::task;
using cetane::test::gate;
using cetane::test::ledger;
using cetane::test::test_loop;
using cetane::test::traced;

namespace {

constexpr int deep = 100'000;

task<int> next_number(int n) { co_return n + 1; }

// Frames that each hold a traced object; the innermost waits at the gate.
task<int> descend(int levels, gate& bottom, ledger& objects) {
  const traced local(objects, levels);
  if (levels == 1) {
    co_await bottom.wait();
    co_return 1;
  }
  co_return 1 + co_await descend(levels - 1, bottom, objects);
}

task<> fall(int levels, gate& bottom) {
  if (levels > 0) co_return co_await fall(levels - 1, bottom);
  co_await bottom.wait();
  throw std::runtime_error("the bottom");
}

task<> dive(int levels) {
  if (levels > 0) co_await dive(levels - 1);
}

std::vector<int> up_to(int last) {
  std::vector<int> numbers;
  for (int n = 1; n <= last; ++n) numbers.push_back(n);
  return numbers;
}

// Runs the tasks until all of them wait.
void settle(test_loop& loop, const gate& at, std::size_t waiting) {
  loop.loop().run_until([&] { return at.waiting() == waiting; });
}

}  // namespace

TEST_CASE("a million awaits of calls that end at once need no stack", "[coro][task]") {
  test_loop loop;

  const int reached = loop.run([]() -> task<int> {
    int n = 0;
    while (n < 1'000'000) n = co_await next_number(n);
    co_return n;
  });

  REQUIRE(reached == 1'000'000);
}

TEST_CASE("a million awaits that are ready need no stack", "[coro][task]") {
  test_loop loop;

  const int reached = loop.run([]() -> task<int> {
    int n = 0;
    for (; n < 1'000'000; ++n) co_await std::suspend_never();
    co_return n;
  });

  REQUIRE(reached == 1'000'000);
}

TEST_CASE("a million suspensions need no stack", "[coro][task]") {
  test_loop loop;

  const int reached = loop.run([]() -> task<int> {
    int n = 0;
    for (; n < 1'000'000; ++n) co_await cetane::yield();
    co_return n;
  });

  REQUIRE(reached == 1'000'000);
}

TEST_CASE("a chain of 100,000 calls is made, resumed at its end and returns", "[coro][task]") {
  test_loop loop;
  gate bottom;
  ledger objects;
  const auto chain = loop.spawn(descend, deep, std::ref(bottom), std::ref(objects));
  settle(loop, bottom, 1);
  REQUIRE(objects.alive == deep);

  bottom.open();
  loop.loop().run_until([&] { return chain.done(); });

  REQUIRE(objects.alive == 0);
  REQUIRE(objects.wrong == 0);
  REQUIRE(objects.destroyed == up_to(deep));
}

TEST_CASE("an exception passes through a chain of 100,000 calls", "[coro][task]") {
  test_loop loop;
  gate bottom;
  const auto fell = [&]() -> task<> { co_await fall(deep, bottom); };
  const auto opened = [&]() -> task<> {
    while (bottom.waiting() == 0) co_await cetane::yield();
    bottom.open();
  };
  const auto opener = loop.spawn(opened);

  REQUIRE_THROWS_AS(loop.run(fell), std::runtime_error);
  REQUIRE(opener.done());
}

TEST_CASE("a suspended chain of 100,000 calls is destroyed from the innermost outwards",
          "[coro][task]") {
  ledger objects;
  gate bottom;
  {
    test_loop loop;
    const auto chain = loop.spawn(descend, deep, std::ref(bottom), std::ref(objects));
    settle(loop, bottom, 1);
    REQUIRE(objects.alive == deep);
  }
  REQUIRE(objects.wrong == 0);
  REQUIRE(objects.destroyed == up_to(deep));
  REQUIRE(bottom.waiting() == 0);
}

TEST_CASE("a chain that has half returned is destroyed from the innermost outwards",
          "[coro][task]") {
  ledger objects;
  gate bottom;
  {
    test_loop loop;
    const auto chain = loop.spawn(descend, deep, std::ref(bottom), std::ref(objects));
    settle(loop, bottom, 1);
    bottom.open();
    loop.loop().run_once(cetane::time_point::min());
    REQUIRE(objects.alive > 0);
    REQUIRE(objects.alive < deep);
  }
  REQUIRE(objects.wrong == 0);
  REQUIRE(objects.destroyed == up_to(deep));
}

TEST_CASE("100,000 waiters are woken at once and resume in the order in which they came",
          "[coro][task]") {
  test_loop loop;
  gate door;
  std::vector<int> resumed;
  const auto waiter = [&](int number) -> task<> {
    co_await door.wait();
    resumed.push_back(number);
  };
  for (int n = 1; n <= deep; ++n) (void)loop.spawn(waiter, n);
  settle(loop, door, deep);

  door.open();
  loop.loop().run_until([&] { return resumed.size() == static_cast<std::size_t>(deep); });

  REQUIRE(resumed == up_to(deep));
}

TEST_CASE("whatever the depth of a call that is repeated without end, others have their turns",
          "[coro][task]") {
  for (const int levels : {0, 1, 15, 16, 17, 18, 31, 32, 33, 200}) {
    CAPTURE(levels);
    test_loop loop;
    int rounds = 0;
    const auto busy = [&]() -> task<> {
      for (;; ++rounds) co_await dive(levels);
    };
    bool other_ran = false;
    const auto other = [&]() -> task<> {
      other_ran = true;
      co_return;
    };
    (void)loop.spawn(busy);
    (void)loop.spawn(other);

    loop.loop().run_once(cetane::time_point::min());

    CHECK(other_ran);
    CHECK(rounds > 0);
  }
}

}  // namespace await_depth_test
