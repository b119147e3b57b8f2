#include <cetane/sync/rate_limiter.hpp>

#include <catch2/catch_test_macros.hpp>
#include <sync/sync_fixture.hpp>

#include <chrono>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

namespace rate_limiter_test {

using namespace std::chrono_literals;
using cetane::duration;
using cetane::rate_limiter;
using cetane::task;
using cetane::time_point;
using cetane::test::run_ready;
using cetane::test::test_loop;

namespace {

// When those come who want so many each, in milliseconds after the first look.
std::vector<long> arrivals(test_loop& loop, rate_limiter& limiter,
                           std::vector<std::size_t> wanted) {
  std::vector<long> at;
  const time_point begin = loop.loop().now();
  const auto come = [&](std::size_t n) -> task<> {
    co_await limiter.acquire(n);
    const duration since = loop.loop().now() - begin;
    at.push_back(std::chrono::duration_cast<std::chrono::milliseconds>(since).count());
  };
  for (const std::size_t n : wanted) (void)loop.spawn(come, n);
  loop.loop().run_until([&] { return at.size() == wanted.size(); });
  return at;
}

}  // namespace

TEST_CASE("a burst comes at once, the others evenly", "[sync][rate_limiter][not-epoll]") {
  test_loop loop;
  rate_limiter limiter(100, 3);
  REQUIRE(arrivals(loop, limiter, {1, 1, 1, 1, 1, 1}) == std::vector<long>{0, 0, 0, 10, 20, 30});
}

TEST_CASE("many at once cost as much time as one after the other, and are not overtaken",
          "[sync][rate_limiter][not-epoll]") {
  test_loop loop;
  rate_limiter limiter(100, 4);
  REQUIRE(arrivals(loop, limiter, {4, 3, 1, 2}) == std::vector<long>{0, 30, 40, 60});
}

TEST_CASE("after a silence there is one burst again and not more",
          "[sync][rate_limiter][not-epoll]") {
  test_loop loop;
  rate_limiter limiter(100, 2);
  REQUIRE(arrivals(loop, limiter, {2}) == std::vector<long>{0});
  loop.run([]() -> task<> { co_await cetane::sleep(10s); });
  REQUIRE(arrivals(loop, limiter, {1, 1, 1}) == std::vector<long>{0, 0, 10});
}

TEST_CASE("nobody comes before the time, and in line", "[sync][rate_limiter]") {
  test_loop loop;
  rate_limiter limiter(1000);
  const std::vector<long> at = arrivals(loop, limiter, {1, 1, 1, 1});
  for (std::size_t i = 0; i < at.size(); ++i) CHECK(at[i] >= static_cast<long>(i));
  REQUIRE(loop.loop().stats().timers_live == 0);
}

TEST_CASE("who is cancelled has not come: the next one takes that place",
          "[sync][rate_limiter][not-epoll]") {
  test_loop loop;
  rate_limiter limiter(100);
  std::string order;
  const auto come = [&](char name) -> task<> {
    co_await limiter.acquire();
    order += name;
  };
  (void)loop.spawn(come, 'a');
  auto second = loop.spawn(come, 'b');
  auto third = loop.spawn(come, 'c');
  run_ready(loop);
  second.cancel();
  const time_point begin = loop.loop().now();
  loop.loop().run_until([&] { return third.done(); });

  REQUIRE(order == "ac");
  REQUIRE(loop.loop().now() - begin == 10ms);
}

TEST_CASE("a look without waiting takes only what may come now", "[sync][rate_limiter]") {
  test_loop loop;
  rate_limiter limiter(0.001, 2);
  loop.run([&]() -> task<> {
    CHECK(limiter.try_acquire(2));
    CHECK_FALSE(limiter.try_acquire());
    CHECK_THROWS_AS(limiter.try_acquire(3), std::invalid_argument);
    CHECK_THROWS_AS(limiter.acquire(3), std::invalid_argument);
    co_return;
  });
}

TEST_CASE("a rate that is none is refused", "[sync][rate_limiter]") {
  REQUIRE_THROWS_AS(rate_limiter(0), std::invalid_argument);
  REQUIRE_THROWS_AS(rate_limiter(-1), std::invalid_argument);
  REQUIRE_THROWS_AS(rate_limiter(1e-300), std::invalid_argument);
  REQUIRE_THROWS_AS(rate_limiter(10, 0), std::invalid_argument);
}

TEST_CASE("a rate without end is refused", "[sync][rate_limiter]") {
  REQUIRE_THROWS_AS(rate_limiter(std::numeric_limits<double>::infinity()), std::invalid_argument);
  REQUIRE_THROWS_AS(rate_limiter(std::numeric_limits<double>::quiet_NaN()), std::invalid_argument);
}

}  // namespace rate_limiter_test
