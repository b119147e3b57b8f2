// Waiting, and being woken by other threads: the same on every backend.

#include "fake_io.hpp"

#include <cetane/base/scope_exit.hpp>
#include <cetane/runtime/timer.hpp>

#include <chrono>
#include <thread>

namespace wake_test {

using namespace cetane;
using namespace cetane::test;
using namespace std::chrono_literals;

namespace {

struct noting_timer final : detail::timer {
  void on_timer() noexcept override { ++fired; }
  int fired = 0;
};

}  // namespace

TEST_CASE("a poll without anything to deliver waits until its deadline, and not less",
          "[backend][wait]") {
  event_loop loop(make_test_backend());
  const time_point deadline = loop.now() + 2ms;

  run_until(loop, [&] {
    loop.run_once(deadline);
    return true;
  });

  REQUIRE(loop.now() >= deadline);
}

TEST_CASE("a poll with a deadline in the past does not wait", "[backend][wait]") {
  event_loop loop(make_test_backend());
  noting_timer timer;
  loop.arm(timer, loop.now() + 1h);

  loop.run_once(loop.now() - 1s);
  loop.run_once(time_point::min());

  REQUIRE(timer.fired == 0);
}

TEST_CASE("what another thread posts ends the wait", "[backend][wake]") {
  event_loop loop(make_test_backend());
  loop.io().begin_external();
  bool called = false;
  std::thread other([&] {
    loop.post([&] {
      called = true;
      loop.io().end_external();
    });
  });
  const scope_exit join([&] { other.join(); });

  loop.run_until([&] { return called; });

  REQUIRE(called);
}

TEST_CASE("a wake-up before the wait is not lost", "[backend][wake]") {
  event_loop loop(make_test_backend());

  loop.io().wake();
  loop.run_once(never);

  SUCCEED("the wait has ended");
}

TEST_CASE("a function posted from the loop's own thread runs in the next pass", "[backend][wake]") {
  event_loop loop(make_test_backend());
  int called = 0;
  loop.post([&] { loop.post([&] { ++called; }); });

  loop.run_until([&] { return called == 1; });

  REQUIRE(called == 1);
}

}  // namespace wake_test
