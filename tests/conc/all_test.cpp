#include "cetane/conc/all.hpp"

#include <cetane/conc/sleep.hpp>
#include <cetane/conc/spawn.hpp>
#include <cetane/conc/timeout.hpp>
#include <cetane/runtime/this_task.hpp>

#include <catch2/catch_test_macros.hpp>
#include <support/expect.hpp>
#include <support/test_loop.hpp>
#include <support/traced.hpp>

#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace all_test {

using namespace cetane;
using namespace cetane::test;
using namespace std::chrono_literals;

namespace {

template <class T>
task<T> give(T value, duration span) {
  co_await sleep(span);
  co_return value;
}

task<> pause_for(duration span) { co_await sleep(span); }

task<> fail_after(duration span, std::string text) {
  co_await sleep(span);
  throw std::runtime_error(text);
}

task<> note(std::vector<std::string>& ends, std::string name, duration span) {
  try {
    co_await sleep(span);
    ends.push_back(name);
  } catch (const cancelled& e) {
    ends.push_back(name + ": " + to_string(e.reason));
    throw;
  }
}

}  // namespace

TEST_CASE("all runs tasks side by side, and ends with the last", "[conc][all]") {
  test_loop loop;
  std::vector<std::string> ends;
  loop.run([&]() -> task<> {
    const time_point begin = event_loop::current()->now();
    co_await all(note(ends, "b", 6ms), note(ends, "a", 3ms));
    const duration elapsed = event_loop::current()->now() - begin;
    CHECK(elapsed >= 6ms);
    if (on_sim()) CHECK(elapsed == 6ms);
  });
  CHECK(ends == std::vector<std::string>{"a", "b"});
  check_nothing_left(loop);
}

TEST_CASE("all gives the results in their places", "[conc][all]") {
  test_loop loop;
  loop.run([]() -> task<> {
    auto results = co_await all(give(7, 2ms), give(std::string("seven"), 0ms), pause_for(1ms),
                                give(std::make_unique<int>(8), 1ms));
    static_assert(std::is_same_v<decltype(results),
                                 std::tuple<int, std::string, bool, std::unique_ptr<int>>>);
    CHECK(std::get<0>(results) == 7);
    CHECK(std::get<1>(results) == "seven");
    CHECK(std::get<2>(results));
    CHECK(*std::get<3>(results) == 8);
  });
}

TEST_CASE("an error of one of all cancels the others, and is thrown after they have ended",
          "[conc][all]") {
  test_loop loop;
  std::vector<std::string> ends;
  loop.run([&]() -> task<> {
    const std::string text = co_await thrown_by(
        all(note(ends, "a", 1h), fail_after(1ms, "broken"), note(ends, "c", 1h)));
    CHECK(text == "broken");
  });
  CHECK(ends == std::vector<std::string>{"a: sibling", "c: sibling"});
  check_nothing_left(loop);
}

TEST_CASE("a cancel reaches all, and what has ended by then is dropped", "[conc][all]") {
  test_loop loop;
  std::vector<std::string> ends;
  ledger objects;
  loop.run([&]() -> task<> {
    const auto owner = [&]() -> task<> {
      co_await all(give(traced(objects, 1), 1ms), note(ends, "b", 1h));
    };
    auto handle = spawn(owner);
    co_await sleep(3ms);
    handle.cancel();
    const std::string text = co_await thrown_by(handle);
    CHECK(text == "cancelled: user");
  });
  CHECK(ends == std::vector<std::string>{"b: user"});
  CHECK(objects.alive == 0);
  CHECK(objects.wrong == 0);
  check_nothing_left(loop);
}

TEST_CASE("one of all that throws cancelled by itself is not taken for a result", "[conc][all]") {
  test_loop loop;
  loop.run([]() -> task<> {
    const auto joins_cancelled = []() -> task<int> {
      auto other = spawn([]() -> task<int> { co_return co_await give(1, 1h); });
      other.cancel();
      co_return co_await other;
    };
    const std::string text = co_await thrown_by(all(joins_cancelled(), give(2, 1h)));
    CHECK(text == "cancelled: user");
  });
  check_nothing_left(loop);
}

TEST_CASE("the arguments of tasks that all runs live as long as those", "[conc][all]") {
  test_loop loop;
  loop.run([]() -> task<> {
    const auto size_of = [](const std::string& text) -> task<std::size_t> {
      co_await sleep(1ms);
      co_return text.size();
    };
    auto sizes = co_await all(size_of(std::string(100, 'x')), size_of(std::string(50, 'y')));
    CHECK(std::get<0>(sizes) == 100);
    CHECK(std::get<1>(sizes) == 50);
  });
}

TEST_CASE("a loop that ends while all runs destroys everything", "[conc][all][teardown]") {
  ledger objects;
  {
    test_loop loop;
    const auto hold = [](traced) -> task<> { co_await sleep(1h); };
    const auto owner = [&]() -> task<> {
      co_await all(hold(traced(objects, 1)), hold(traced(objects, 2)));
    };
    (void)loop.spawn(owner);
    loop.loop().run_once(time_point::min());
    CHECK(objects.alive > 0);
  }
  CHECK(objects.alive == 0);
  CHECK(objects.wrong == 0);
}

}  // namespace all_test
