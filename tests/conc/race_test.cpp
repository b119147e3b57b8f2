#include "cetane/conc/race.hpp"

#include <cetane/conc/sleep.hpp>
#include <cetane/conc/spawn.hpp>
#include <cetane/conc/timeout.hpp>

#include <app/captured_log.hpp>
#include <catch2/catch_test_macros.hpp>
#include <support/expect.hpp>
#include <support/test_loop.hpp>

#include <chrono>
#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

namespace race_test {

using namespace cetane;
using namespace cetane::test;
using namespace std::chrono_literals;

namespace {

task<int> give(int value, duration span) {
  co_await sleep(span);
  co_return value;
}

task<> fail_after(duration span, std::string text) {
  co_await sleep(span);
  throw std::runtime_error(text);
}

task<> note(std::vector<std::string>& ends, std::string name) {
  try {
    co_await sleep_until(never);
  } catch (const cancelled& e) {
    ends.push_back(name + ": " + to_string(e.reason));
    throw;
  }
}

}  // namespace

TEST_CASE("a race gives what the first to end gives, when the others have ended", "[conc][race]") {
  test_loop loop;
  std::vector<std::string> ends;
  loop.run([&]() -> task<> {
    auto turn = co_await race(note(ends, "a"), give(5, 1ms), note(ends, "c"));
    CHECK_FALSE(std::get<0>(turn));
    CHECK(std::get<1>(turn) == 5);
    CHECK_FALSE(std::get<2>(turn));
    CHECK(ends == std::vector<std::string>{"a: sibling", "c: sibling"});
  });
  check_nothing_left(loop);
}

TEST_CASE("of tasks that end in the same turn the first to end wins a race", "[conc][race]") {
  test_loop loop;
  loop.run([]() -> task<> {
    auto turn = co_await race(give(1, 0ms), give(2, 0ms));
    CHECK(std::get<0>(turn) == 1);
    CHECK_FALSE(std::get<1>(turn));
  });
}

TEST_CASE("an error can win a race", "[conc][race]") {
  test_loop loop;
  std::vector<std::string> ends;
  loop.run([&]() -> task<> {
    const std::string text = co_await thrown_by(race(note(ends, "a"), fail_after(1ms, "broken")));
    CHECK(text == "broken");
  });
  CHECK(ends == std::vector<std::string>{"a: sibling"});
  check_nothing_left(loop);
}

TEST_CASE("a loser's value is dropped, and its error is logged", "[conc][race]") {
  const captured_log log;
  test_loop loop;
  loop.run([]() -> task<> {
    const auto stubborn = [](bool fails) -> task<int> {
      try {
        co_await sleep(1h);
      } catch (const cancelled&) {
        if (fails) throw std::runtime_error("a bad loser");
      }
      co_return 9;
    };
    auto turn = co_await race(give(1, 1ms), stubborn(false), stubborn(true));
    CHECK(std::get<0>(turn) == 1);
    CHECK_FALSE(std::get<1>(turn));
  });
  REQUIRE(log.of(log::level::error).size() == 1);
  CHECK(log.of(log::level::error).front().ends_with("a bad loser"));
}

TEST_CASE("a race that is cancelled has no winner", "[conc][race]") {
  test_loop loop;
  std::vector<std::string> ends;
  loop.run([&]() -> task<> {
    const bool in_time =
        (co_await move_on_after(1ms, race(note(ends, "a"), note(ends, "b")))).has_value();
    CHECK_FALSE(in_time);
  });
  CHECK(ends == std::vector<std::string>{"a: timeout", "b: timeout"});
  check_nothing_left(loop);
}

}  // namespace race_test
