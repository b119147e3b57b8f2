#include "cetane/conc/shielded.hpp"

#include <cetane/conc/attached_errors.hpp>
#include <cetane/conc/attempt.hpp>
#include <cetane/conc/finally.hpp>
#include <cetane/conc/sleep.hpp>
#include <cetane/conc/spawn.hpp>
#include <cetane/conc/timeout.hpp>

#include <catch2/catch_test_macros.hpp>
#include <support/expect.hpp>
#include <support/test_loop.hpp>

#include <chrono>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace shielded_test {

using namespace cetane;
using namespace cetane::test;
using namespace std::chrono_literals;

namespace {

task<int> give(int value, duration span) {
  co_await sleep(span);
  co_return value;
}

task<> note(std::vector<std::string>& log, std::string name, duration span) {
  try {
    co_await sleep(span);
    log.push_back(name);
  } catch (const cancelled& e) {
    log.push_back(name + ": " + to_string(e.reason));
    throw;
  }
}

task<> fail(std::string text) {
  co_await yield();
  throw std::runtime_error(text);
}

}  // namespace

TEST_CASE("no cancel from outside reaches what is shielded, and its value is given",
          "[conc][shielded]") {
  test_loop loop;
  loop.run([]() -> task<> {
    int got = 0;
    bool next_throws = false;
    const auto owner = [&]() -> task<> {
      got = co_await shielded(1h, give(4, 5ms));
      try {
        co_await sleep(0s);
      } catch (const cancelled& e) {
        next_throws = e.reason == cancel_reason::user;
        throw;
      }
    };
    auto handle = spawn(owner);
    co_await yield();
    handle.cancel();
    const std::string text = co_await thrown_by(handle);
    CHECK(text == "cancelled: user");
    CHECK(got == 4);
    CHECK(next_throws);
  });
  check_nothing_left(loop);
}

TEST_CASE("what is shielded begins in a task that is cancelled already", "[conc][shielded]") {
  test_loop loop;
  std::vector<std::string> log;
  loop.run([&]() -> task<> {
    const auto owner = [&]() -> task<> {
      bool over = false;
      try {
        co_await sleep(1h);
      } catch (const cancelled&) {
        over = true;
      }
      if (over) co_await shielded(1s, note(log, "clean-up", 3ms));
    };
    auto handle = spawn(owner);
    co_await yield();
    handle.cancel();
    co_await handle;
  });
  CHECK(log == std::vector<std::string>{"clean-up"});
  check_nothing_left(loop);
}

TEST_CASE("what is shielded is cancelled when its grace is over", "[conc][shielded]") {
  test_loop loop;
  std::vector<std::string> log;
  loop.run([&]() -> task<> {
    const std::string text = co_await thrown_by(shielded(2ms, note(log, "slow", 1h)));
    CHECK(text.ends_with("not done within 2 ms"));
    const auto owner = [&]() -> task<> { co_await shielded(2ms, note(log, "slow", 1h)); };
    auto handle = spawn(owner);
    co_await yield();
    handle.cancel();
    const std::string reason = co_await thrown_by(handle);
    CHECK(reason == "cancelled: user");
  });
  CHECK(log == std::vector<std::string>{"slow: timeout", "slow: timeout"});
  check_nothing_left(loop);
}

TEST_CASE("a clean-up runs after a value, after an error and after a cancel", "[conc][finally]") {
  test_loop loop;
  std::vector<std::string> log;
  loop.run([&]() -> task<> {
    const auto clean_up = [&] { return note(log, "clean-up", 2ms); };
    const int value = co_await finally(give(3, 1ms), clean_up);
    CHECK(value == 3);
    CHECK(log.size() == 1);

    const std::string text = co_await thrown_by(finally(fail("broken"), clean_up));
    CHECK(text == "broken");
    CHECK(log.size() == 2);

    const auto owner = [&]() -> task<> { co_await finally(note(log, "body", 1h), clean_up); };
    auto handle = spawn(owner);
    co_await yield();
    handle.cancel();
    const std::string reason = co_await thrown_by(handle);
    CHECK(reason == "cancelled: user");
  });
  CHECK(log == std::vector<std::string>{"clean-up", "clean-up", "body: user", "clean-up"});
  check_nothing_left(loop);
}

TEST_CASE("a clean-up's error is thrown, or attached to that of the body", "[conc][finally]") {
  test_loop loop;
  loop.run([]() -> task<> {
    const auto bad = [] { return fail("clean-up broke"); };
    const std::string alone = co_await thrown_by(finally(give(1, 0ms), bad));
    CHECK(alone == "clean-up broke");
    try {
      co_await finally(fail("body broke"), bad);
      FAIL("nothing was thrown");
    } catch (const std::runtime_error& e) {
      CHECK(std::string(e.what()) == "body broke");
      CHECK(attached_errors().size() == 1);
    }
  });
}

TEST_CASE("a clean-up that does not end is cancelled after its grace", "[conc][finally]") {
  test_loop loop;
  std::vector<std::string> log;
  loop.run([&]() -> task<> {
    const auto slow = [&] { return note(log, "clean-up", 1h); };
    const std::string text = co_await thrown_by(finally(give(1, 0ms), slow, 3ms));
    CHECK(text.ends_with("not done within 3 ms"));
  });
  CHECK(log == std::vector<std::string>{"clean-up: timeout"});
}

TEST_CASE("an attempt gives a value or the error's text, and the error itself", "[conc][attempt]") {
  test_loop loop;
  loop.run([]() -> task<> {
    const result<int> good = co_await attempt(give(6, 1ms));
    REQUIRE(good);
    CHECK(*good == 6);
    CHECK(good.error().empty());

    const result<void> bad = co_await attempt(fail("broken"));
    CHECK_FALSE(bad);
    CHECK(bad.error() == "broken");
    CHECK_THROWS_AS(bad.rethrow(), std::runtime_error);
    CHECK_THROWS_AS(bad.value(), std::runtime_error);

    const auto late = co_await attempt(with_timeout(1ms, give(1, 1h)));
    CHECK_FALSE(late);
    CHECK(late.error().ends_with("not done within 1 ms"));
  });
}

TEST_CASE("an attempt does not swallow the cancel of its own task, but tells that of another",
          "[conc][attempt]") {
  test_loop loop;
  loop.run([]() -> task<> {
    auto other = spawn(give, 1, 1h);
    other.cancel();
    const result<int> joined = co_await attempt(other);
    CHECK(joined.error() == "cancelled by the program");

    bool went_on = false;
    const auto owner = [&]() -> task<> {
      (void)co_await attempt(give(1, 1h));
      went_on = true;
    };
    auto handle = spawn(owner);
    co_await yield();
    handle.cancel();
    const std::string text = co_await thrown_by(handle);
    CHECK(text == "cancelled: user");
    CHECK_FALSE(went_on);
  });
  check_nothing_left(loop);
}

TEST_CASE("what a shielded clean-up leaves running is cancelled when the shield is gone",
          "[conc][shielded]") {
  test_loop loop;
  loop.run([]() -> task<> {
    std::vector<std::string> log;
    const auto clean_up = [&]() -> task<> {
      (void)spawn(note, std::ref(log), "left", 1h);
      co_return;
    };
    const auto owner = [&]() -> task<> { co_await finally(note(log, "body", 1h), clean_up); };
    const bool in_time = co_await move_on_after(1ms, owner());
    CHECK_FALSE(in_time);
    co_await yield();
    CHECK(log == std::vector<std::string>{"body: timeout", "left: timeout"});
  });
  check_nothing_left(loop);
}

TEST_CASE("a grace beyond the clock is as long as the clock goes", "[conc][shielded]") {
  test_loop loop;
  loop.run([]() -> task<> {
    std::vector<std::string> log;
    const auto clean_up = [&] { return note(log, "clean", 1ms); };
    co_await finally(note(log, "body", 1ms), clean_up, std::chrono::hours::max());
    CHECK(log == std::vector<std::string>{"body", "clean"});
  });
  check_nothing_left(loop);
}

}  // namespace shielded_test
