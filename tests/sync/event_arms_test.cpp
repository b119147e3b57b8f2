// Events and what is like them, topics and rates as arms of first().
#include <cetane/sync/countdown.hpp>
#include <cetane/sync/event.hpp>
#include <cetane/sync/rate_limiter.hpp>
#include <cetane/sync/topic.hpp>

#include <catch2/catch_template_test_macros.hpp>
#include <sync/arm_laws.hpp>

#include <chrono>
#include <optional>
#include <string>

namespace event_arms_test {

using namespace cetane;
using namespace cetane::test;
using namespace std::chrono_literals;

namespace {

struct waits_for_event {
  static constexpr bool for_one = false;
  static constexpr bool gives_back = false;

  auto operation() { return start.wait(); }
  void happen() { start.set(); }
  bool had(bool happened) { return happened; }
  bool there() { return start.is_set(); }

  event start;
};

struct waits_for_countdown {
  static constexpr bool for_one = false;
  static constexpr bool gives_back = false;

  auto operation() { return over.wait(); }
  void happen() { over.tick(); }
  bool had(bool happened) { return happened; }
  bool there() { return over.left() == 0; }

  countdown over{1};
};

struct waits_for_topic {
  static constexpr bool for_one = false;
  static constexpr bool gives_back = false;

  auto operation() { return news.wait(); }
  void happen() { fired = news.fire("news"); }
  bool had(const std::optional<std::string>& got) { return *got == "news"; }
  bool there() { return news.fire("who is there?") == 0; }

  topic<std::string> news;
  std::size_t fired = 0;
};

}  // namespace

TEMPLATE_TEST_CASE("an event that is set wins as an arm, and stays set", "[sync][first][event]",
                   waits_for_event, waits_for_countdown) {
  check_laws_of_ready_arms<TestType>();
}

TEMPLATE_TEST_CASE("an event or a fire that comes for an arm wakes it, and nobody is left in line",
                   "[sync][first][event]", waits_for_event, waits_for_countdown, waits_for_topic) {
  check_laws_of_waiting_arms<TestType>();
}

TEST_CASE("a fire counts the arms that wait, and a loser does not wait any more",
          "[sync][first][topic]") {
  topic<int> news;
  event other;
  test_loop loop;
  const auto wait_for_either = [&]() -> task<int> {
    auto turn = co_await first(other.wait(), news.wait());
    co_return engaged(turn);
  };
  auto one = loop.spawn(wait_for_either);
  auto two = loop.spawn(wait_for_either);
  run_ready(loop);
  CHECK(news.fire(1) == 2);
  run_ready(loop);
  CHECK(one.done());
  CHECK(two.done());

  auto three = loop.spawn(wait_for_either);
  run_ready(loop);
  other.set();
  run_ready(loop);
  CHECK(three.done());
  CHECK(news.fire(2) == 0);
  check_nothing_left(loop);
}

TEST_CASE("an event that is cleared before a woken arm runs has happened", "[sync][first][event]") {
  waits_for_event of;
  event other;
  test_loop loop;
  auto waiting = loop.spawn(event_or_arm<waits_for_event>, std::ref(other), std::ref(of));
  run_ready(loop);
  of.start.set();
  of.start.clear();
  run_ready(loop);
  REQUIRE(waiting.done());
  CHECK(loop.run([&]() -> task<int> { co_return co_await waiting; }) == 2);
}

namespace {

task<int> event_or_rate(event& other, rate_limiter& rate, std::size_t n) {
  auto turn = co_await first(other.wait(), rate.acquire(n));
  co_return engaged(turn);
}

}  // namespace

TEST_CASE("a share of a rate that is there is taken by an arm that wins, and by no other",
          "[sync][first][rate_limiter]") {
  rate_limiter rate(0.001, 2);
  event other;
  test_loop loop;
  loop.run([&]() -> task<> {
    const int took = co_await event_or_rate(other, rate, 1);
    CHECK(took == 2);
    other.set();
    const int lost = co_await event_or_rate(other, rate, 1);
    CHECK(lost == 1);
    CHECK(rate.try_acquire());
    CHECK_FALSE(rate.try_acquire());
  });
  check_nothing_left(loop);
}

TEST_CASE("a share of a rate that comes together with something to its left goes to the next",
          "[sync][first][rate_limiter][not-epoll]") {
  rate_limiter rate(1);
  event other;
  test_loop loop;
  loop.run([&]() -> task<> {
    co_await rate.acquire();
    const auto set_in_a_second = [&]() -> task<> {
      co_await sleep(1s);
      other.set();
    };
    auto setter = spawn(set_in_a_second);  // begins first, so its time is over first
    auto loser = spawn(event_or_rate, std::ref(other), std::ref(rate), 1u);
    co_await yield();
    const time_point begin = event_loop::current()->now();
    auto next = spawn([&]() -> task<duration> {
      co_await rate.acquire();
      co_return event_loop::current()->now() - begin;
    });
    const int which = co_await loser;
    const duration waited = co_await next;
    CHECK(which == 1);
    CHECK(waited == 1s);
    co_await setter;
  });
  check_nothing_left(loop);
}

TEST_CASE("an arm for a share of a rate that loses leaves its place to those behind it",
          "[sync][first][rate_limiter][not-epoll]") {
  rate_limiter rate(1, 3);
  event other;
  test_loop loop;
  loop.run([&]() -> task<> {
    co_await rate.acquire(3);
    auto loser = spawn(event_or_rate, std::ref(other), std::ref(rate), 3u);
    co_await yield();
    const time_point begin = event_loop::current()->now();
    auto behind = spawn([&]() -> task<duration> {
      co_await rate.acquire();
      co_return event_loop::current()->now() - begin;
    });
    co_await yield();
    other.set();
    const int which = co_await loser;
    const duration waited = co_await behind;
    CHECK(which == 1);
    CHECK(waited == 1s);
  });
  check_nothing_left(loop);
}

}  // namespace event_arms_test
