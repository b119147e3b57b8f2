#include "cetane/conc/supervise.hpp"

#include <cetane/conc/sleep.hpp>
#include <cetane/conc/spawn.hpp>

#include <app/captured_log.hpp>
#include <catch2/catch_test_macros.hpp>
#include <support/expect.hpp>
#include <support/test_loop.hpp>

#include <chrono>
#include <stdexcept>
#include <string>
#include <vector>

namespace supervise_test {

using namespace cetane;
using namespace cetane::test;
using namespace std::chrono_literals;

namespace {

task<> count(int& runs) {
  ++runs;
  co_return;
}

task<> count_and_fail(int& runs) {
  ++runs;
  co_await yield();
  throw std::runtime_error("died");
}

restart_policy quick() { return restart_policy().backoff(1ms, 1ms); }

}  // namespace

TEST_CASE("KA-1: a supervised task that ends is started again after half a second",
          "[conc][supervise][not-epoll]") {
  test_loop loop;
  loop.run([]() -> task<> {
    int runs = 0;
    auto handle = supervise(restart_policy(), count, std::ref(runs));
    co_await sleep(499ms);
    CHECK(runs == 1);
    co_await sleep(201ms);
    CHECK(runs == 2);
    co_await sleep(500ms);
    CHECK(runs == 3);
  });
  check_nothing_left(loop);
}

TEST_CASE("KA-2: a supervised task that dies by an exception is started again, and the log says so",
          "[conc][supervise][not-epoll]") {
  const captured_log log;
  test_loop loop;
  loop.run([]() -> task<> {
    int runs = 0;
    auto handle = supervise(restart_policy(), count_and_fail, std::ref(runs)).label("worker");
    co_await sleep(700ms);
    CHECK(runs == 2);
  });
  const auto lines = log.of(log::level::warning);
  REQUIRE(lines.size() == 2);
  CHECK(lines[0] == "worker failed: died; starts again in 500 ms");
}

TEST_CASE("the log calls a supervised task without a label by its function's name",
          "[conc][supervise]") {
  const captured_log log;
  test_loop loop;
  loop.run([]() -> task<> {
    int runs = 0;
    auto handle = supervise(quick().limit(1), count, std::ref(runs));
    co_await handle;
    CHECK(runs == 2);
  });
  CHECK(log.of(log::level::warning) ==
        std::vector<std::string>{"supervise_test::count ended; starts again in 1 ms"});
  CHECK(
      log.of(log::level::error) ==
      std::vector<std::string>{"supervise_test::count ended; not started again after 1 restarts"});
}

TEST_CASE("KA-3: a supervised child that dies often stays its parent's child",
          "[conc][supervise]") {
  test_loop loop;
  int runs = 0;
  loop.run([&]() -> task<> {
    const auto parent = [&]() -> task<> {
      auto handle = supervise(quick(), count_and_fail, std::ref(runs));
      while (runs < 5) co_await sleep(1ms);
      CHECK_FALSE(handle.done());
    };
    auto handle = spawn(parent);
    co_await handle;
    CHECK(event_loop::current()->stats().tasks_alive == 1);
  });
  CHECK(runs >= 5);
  check_nothing_left(loop);
}

TEST_CASE("KA-4: a supervised child dies with its parent and stays dead", "[conc][supervise]") {
  test_loop loop;
  int runs = 0;
  loop.run([&]() -> task<> {
    const auto runs_on = [&]() -> task<> {
      ++runs;
      co_await sleep(1h);
    };
    const auto parent = [&]() -> task<> {
      (void)supervise(quick(), runs_on);
      co_await sleep(3ms);
    };
    auto handle = spawn(parent);
    co_await handle;
    const int then = runs;
    co_await sleep(20ms);
    CHECK(runs == then);
  });
  CHECK(runs == 1);
  check_nothing_left(loop);
}

TEST_CASE("W14, NEW-13: a supervised child in the pause before its restart dies with its parent",
          "[conc][supervise]") {
  test_loop loop;
  int runs = 0;
  loop.run([&]() -> task<> {
    const auto parent = [&]() -> task<> {
      (void)supervise(restart_policy().backoff(5ms, 5ms), count, std::ref(runs));
      while (runs < 1) co_await yield();
    };
    auto handle = spawn(parent);
    co_await handle;
    co_await sleep(30ms);
  });
  CHECK(runs == 1);
  check_nothing_left(loop);
}

TEST_CASE("the pauses before restarts double, and begin again after a long run",
          "[conc][supervise][not-epoll]") {
  test_loop loop;
  std::vector<duration> starts;
  loop.run([&]() -> task<> {
    const time_point begin = event_loop::current()->now();
    const auto run = [&]() -> task<> {
      starts.push_back(event_loop::current()->now() - begin);
      if (starts.size() == 4) co_await sleep(10s);
    };
    auto handle = supervise(restart_policy().backoff(1s, 3s), run);
    co_await sleep(20s);
  });
  CHECK(starts == std::vector<duration>{0s, 1s, 3s, 6s, 17s, 19s});
}

TEST_CASE("a supervised task that reached its limit throws its last error", "[conc][supervise]") {
  const captured_log log;
  test_loop loop;
  loop.run([]() -> task<> {
    int runs = 0;
    auto handle = supervise(quick().limit(2), count_and_fail, std::ref(runs));
    const std::string text = co_await thrown_by(handle);
    CHECK(text == "died");
    CHECK(runs == 3);
  });
  check_nothing_left(loop);
}

TEST_CASE("a run that is as long as the longest pause is none of those in a row",
          "[conc][supervise][not-epoll]") {
  const captured_log log;
  test_loop loop;
  loop.run([]() -> task<> {
    int runs = 0;
    const auto run = [&](duration length) -> task<> {
      ++runs;
      co_await sleep(length);
      if (runs == 5) co_await sleep_until(never);
    };
    const restart_policy twice = restart_policy().backoff(1s, 3s).limit(1);

    auto often = supervise(twice, run, 3s);
    co_await sleep(1h);
    CHECK(runs == 5);
    often.cancel();

    runs = 0;
    auto rarely = supervise(twice, run, 3s - 1ns);
    co_await sleep(1h);
    CHECK(runs == 2);
    CHECK(rarely.done());
  });
}

TEST_CASE("each run has the arguments as they were given", "[conc][supervise]") {
  test_loop loop;
  std::vector<std::string> seen;
  loop.run([&]() -> task<> {
    const auto run = [&](std::string by_value, const std::string& by_reference) -> task<> {
      seen.push_back(by_value + by_reference);
      by_value.clear();
      co_return;
    };
    auto handle = supervise(quick().limit(1), run, std::string("one "), "two");
    co_await handle;
  });
  CHECK(seen == std::vector<std::string>{"one two", "one two"});
}

TEST_CASE("a supervised task is cancelled by its handle for good", "[conc][supervise]") {
  test_loop loop;
  loop.run([]() -> task<> {
    int runs = 0;
    auto handle = supervise(quick(), count, std::ref(runs));
    co_await yield();
    handle.cancel();
    const std::string text = co_await thrown_by(handle);
    CHECK(text == "cancelled: user");
    CHECK(runs == 1);
  });
  check_nothing_left(loop);
}

TEST_CASE("a function that fails before there is a task is restarted within the limit",
          "[conc][supervise]") {
  test_loop loop;
  captured_log log;
  loop.run([]() -> task<> {
    int calls = 0;
    const auto fail_before = [](int& n) -> task<> {  // a plain function that returns a task
      if (++n > 0) throw std::runtime_error("not even made");
      return count(n);
    };
    auto handle = supervise(quick().limit(3), fail_before, std::ref(calls));
    const std::string text = co_await thrown_by(handle);
    CHECK(text == "not even made");
    CHECK(calls == 4);
  });
  CHECK(log.has("not even made; not started again after 3 restarts"));
  check_nothing_left(loop);
}

}  // namespace supervise_test
