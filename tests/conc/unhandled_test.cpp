// An exception that nobody awaits is logged once: never twice, never not at all.
#include <cetane/conc/sleep.hpp>
#include <cetane/conc/spawn.hpp>

#include <app/captured_log.hpp>
#include <catch2/catch_test_macros.hpp>
#include <support/gate.hpp>
#include <support/test_loop.hpp>

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using cetane::cancelled;
using cetane::join_handle;
using cetane::spawn;
using cetane::task;
using cetane::yield;
using cetane::log::level;
using cetane::test::captured_log;
using cetane::test::gate;
using cetane::test::test_loop;

namespace {

using lines = std::vector<std::string>;

task<> fails(gate& door) {
  co_await door.wait();
  throw std::runtime_error("out of paper");
}

task<> throws_a_number() {
  co_await yield();
  throw 42;
}

const std::string report = "unhandled exception in fails: out of paper";

}  // namespace

TEST_CASE("an exception is logged when the handle is dropped before the end", "[conc][unhandled]") {
  const captured_log log;
  test_loop loop;
  gate door;
  (void)loop.spawn(fails, std::ref(door));
  loop.loop().run_until([&] { return door.waiting() == 1; });
  door.open();
  loop.loop().run_until([&] { return loop.loop().stats().tasks_alive == 0; });
  REQUIRE(log.of(level::error) == lines{report});
}

TEST_CASE("an exception is logged when the handle is dropped after the end", "[conc][unhandled]") {
  const captured_log log;
  {
    test_loop loop;
    gate door;
    auto handle = loop.spawn(fails, std::ref(door));
    loop.loop().run_until([&] { return door.waiting() == 1; });
    door.open();
    loop.loop().run_until([&] { return handle.done(); });
    CHECK(log.of(level::error).empty());
    handle = join_handle<>();
    CHECK(log.of(level::error) == lines{report});
  }
  REQUIRE(log.of(level::error).size() == 1);
}

TEST_CASE("an exception that is joined for is not logged", "[conc][unhandled]") {
  const captured_log log;
  test_loop loop;
  loop.run([]() -> task<> {
    gate door;
    for (const bool ended : {false, true}) {
      auto handle = spawn(fails, std::ref(door));
      co_await yield();
      door.open();
      if (ended) co_await yield();
      bool thrown = false;
      try {
        co_await handle;
      } catch (const std::runtime_error&) {
        thrown = true;
      }
      CHECK(thrown);
    }
  });
  REQUIRE(log.of(level::error).empty());
}

TEST_CASE("an exception whose joiner was cancelled is logged", "[conc][unhandled]") {
  const captured_log log;
  test_loop loop;
  loop.run([]() -> task<> {
    gate door;
    auto handle = spawn(fails, std::ref(door));
    const auto joins = [&]() -> task<> { co_await handle; };
    auto joiner = spawn(joins);
    co_await yield();
    joiner.cancel();
    co_await yield();
    door.open();
    co_await yield();
  });
  REQUIRE(log.of(level::error) == lines{report});
}

TEST_CASE("an exception that is no std::exception is logged as such", "[conc][unhandled]") {
  const captured_log log;
  test_loop loop;
  (void)loop.spawn(throws_a_number);
  loop.loop().run_until([&] { return loop.loop().stats().tasks_alive == 0; });
  REQUIRE(log.of(level::error) ==
          lines{"unhandled exception in throws_a_number: it is no std::exception"});
}

TEST_CASE("a label names the task in the report", "[conc][unhandled]") {
  const captured_log log;
  test_loop loop;
  (void)loop.spawn(throws_a_number).label("printer 7");
  const auto body = []() -> task<> {
    co_await yield();
    throw std::runtime_error("x");
  };
  (void)loop.spawn(body);
  loop.loop().run_until([&] { return loop.loop().stats().tasks_alive == 0; });
  REQUIRE(log.of(level::error).size() == 2);
  CHECK(log.of(level::error)[0] == "unhandled exception in printer 7: it is no std::exception");
  CHECK(log.of(level::error)[1].starts_with("unhandled exception in lambda in "));
}

TEST_CASE("a cancelled task is no error", "[conc][unhandled]") {
  const captured_log log;
  test_loop loop;
  gate door;
  auto handle = loop.spawn(fails, std::ref(door));
  loop.loop().run_until([&] { return door.waiting() == 1; });
  handle.cancel();
  loop.loop().run_until([&] { return handle.done(); });
  handle = join_handle<>();
  CHECK(log.of(level::error).empty());
  CHECK(log.of(level::warning).empty());
  CHECK(log.of(level::debug).size() == 1);
}

TEST_CASE("a task that the end of its loop ends is no error", "[conc][unhandled]") {
  const captured_log log;
  gate door;
  {
    test_loop loop;
    (void)loop.spawn(fails, std::ref(door));
    loop.loop().run_until([&] { return door.waiting() == 1; });
  }
  CHECK(log.of(level::error).empty());
}

TEST_CASE("an exception leaves the loop and all other tasks alive", "[conc][unhandled]") {
  const captured_log log;
  test_loop loop;
  int alive = 0;
  const auto steady = [&]() -> task<> {
    for (int i = 0; i < 10; ++i) co_await yield();
    ++alive;
  };
  for (int i = 0; i < 5; ++i) {
    (void)loop.spawn(steady);
    (void)loop.spawn(throws_a_number);
  }
  loop.loop().run_until([&] { return loop.loop().stats().tasks_alive == 0; });
  CHECK(alive == 5);
  CHECK(log.of(level::error).size() == 5);
}
