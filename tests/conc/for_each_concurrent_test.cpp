#include "cetane/conc/for_each_concurrent.hpp"

#include <cetane/conc/sleep.hpp>
#include <cetane/conc/spawn.hpp>
#include <cetane/conc/timeout.hpp>

#include <catch2/catch_test_macros.hpp>
#include <support/expect.hpp>
#include <support/test_loop.hpp>

#include <algorithm>
#include <chrono>
#include <limits>
#include <memory>
#include <ranges>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace for_each_concurrent_test {

using namespace cetane;
using namespace cetane::test;
using namespace std::chrono_literals;

TEST_CASE("each element has its call once, in order, with no more at a time than the limit",
          "[conc][for_each]") {
  test_loop loop;
  std::vector<int> begun;
  int now = 0;
  int most = 0;
  loop.run([&]() -> task<> {
    std::vector<int> numbers;
    for (int i = 0; i < 50; ++i) numbers.push_back(i);
    const auto call = [&](const int& n) -> task<> {
      begun.push_back(n);
      most = std::max(most, ++now);
      co_await sleep(n % 3 * 1ms);
      --now;
    };
    co_await for_each_concurrent(numbers, 4, call);
    CHECK(begun == numbers);
  });
  CHECK(now == 0);
  CHECK(most == 4);
  check_nothing_left(loop);
}

TEST_CASE("there are no more tasks than elements", "[conc][for_each]") {
  test_loop loop;
  loop.run([]() -> task<> {
    int calls = 0;
    const auto call = [&](int) -> task<> {
      ++calls;
      co_await yield();
    };
    const std::vector<int> three{1, 2, 3};
    co_await for_each_concurrent(three, std::numeric_limits<std::size_t>::max(), call);
    CHECK(calls == 3);
    const std::vector<int> none;
    co_await for_each_concurrent(none, 5, call);
    CHECK(calls == 3);
  });
  CHECK(loop.loop().stats().tasks_started <= 6);
}

TEST_CASE("a range that is a temporary is kept, and one that makes its elements is read as needed",
          "[conc][for_each]") {
  test_loop loop;
  loop.run([]() -> task<> {
    std::string all;
    const auto add = [&](const std::string& text) -> task<> {
      co_await yield();
      all += text;
    };
    const auto make = [] { return std::vector<std::string>{"a", "b", "c"}; };
    co_await for_each_concurrent(make(), 1, add);
    CHECK(all == "abc");
    int sum = 0;
    const auto count = [&](int n) -> task<> {
      co_await yield();
      sum += n;
    };
    co_await for_each_concurrent(std::views::iota(1, 101), 7, count);
    CHECK(sum == 5050);
  });
}

TEST_CASE("an error ends the walk: no more elements are taken", "[conc][for_each]") {
  test_loop loop;
  int begun = 0;
  loop.run([&]() -> task<> {
    const auto call = [&](int n) -> task<> {
      ++begun;
      co_await sleep(1ms);
      if (n == 4) throw std::runtime_error("four");
    };
    const std::string text = co_await thrown_by(for_each_concurrent(std::views::iota(0), 2, call));
    CHECK(text == "four");
  });
  CHECK(begun == 6);
  check_nothing_left(loop);
}

TEST_CASE("a walk can be cancelled", "[conc][for_each]") {
  test_loop loop;
  loop.run([]() -> task<> {
    const auto call = [](int) -> task<> { co_await sleep(1h); };
    const bool in_time =
        co_await move_on_after(1ms, for_each_concurrent(std::views::iota(0, 5), 3, call));
    CHECK_FALSE(in_time);
  });
  check_nothing_left(loop);
}

TEST_CASE("a limit of nothing at a time is refused", "[conc][for_each]") {
  const auto call = [](int) -> task<> { co_return; };
  const std::vector<int> some{1};
  CHECK_THROWS_AS(for_each_concurrent(some, 0, call), std::invalid_argument);
}

TEST_CASE("after an error no more elements are taken", "[conc][for_each]") {
  test_loop loop;
  int taken = 0;
  loop.run([&]() -> task<> {
    auto numbers = std::views::iota(0, 100) | std::views::transform([&](int n) {
                     ++taken;
                     return n;
                   });
    const auto fail = [](int) -> task<> {
      throw std::runtime_error("first");
      co_return;
    };
    const std::string text = co_await thrown_by(for_each_concurrent(numbers, 10, fail));
    CHECK(text == "first");
  });
  CHECK(taken == 1);
  check_nothing_left(loop);
}

TEST_CASE("a stream's elements are those that it had when they were taken", "[conc][for_each]") {
  test_loop loop;
  std::istringstream text("1 2 3 4 5");
  std::vector<int> got;
  loop.run([&]() -> task<> {
    const auto call = [&](const int& n) -> task<> {
      co_await yield();
      got.push_back(n);
    };
    co_await for_each_concurrent(std::views::istream<int>(text), 2, call);
  });
  CHECK(got == std::vector{1, 2, 3, 4, 5});
  check_nothing_left(loop);
}

}  // namespace for_each_concurrent_test
