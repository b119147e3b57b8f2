// Many timers, long jumps, and a loop that sleeps until next_deadline() and never otherwise.

#include "runtime/timer_wheel.hpp"

#include <cetane/base/random.hpp>

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <deque>
#include <utility>
#include <vector>

namespace timer_wheel_many_test {

using namespace std::chrono_literals;
using cetane::duration;
using cetane::never;
using cetane::time_point;
using cetane::detail::timer_wheel;

namespace {

constexpr time_point start{1h};
constexpr duration year = 365 * 24h;

// Notes whether it fires behind one that should have fired after it.
struct ranking {
  time_point deadline = time_point::min();
  std::size_t number = 0;
  std::size_t fired = 0;
  bool held = true;
};

class ranked_timer final : public cetane::detail::timer {
 public:
  ranked_timer(ranking& last, std::size_t number) : last_(last), number_(number) {}

 private:
  void on_timer() noexcept override {
    const bool in_order =
        deadline() > last_.deadline || (deadline() == last_.deadline && number_ > last_.number);
    last_ = {deadline(), number_, last_.fired + 1, last_.held && in_order};
  }

  ranking& last_;
  std::size_t number_;
};

class ranked_timers {
 public:
  explicit ranked_timers(std::size_t count) {
    for (std::size_t i = 1; i <= count; ++i) timers_.emplace_back(last_, i);
  }

  template <class Deadline>
  void arm(timer_wheel& wheel, Deadline deadline) {
    for (auto& each : timers_) wheel.arm(each, deadline());
  }

  const ranking& last() const { return last_; }

 private:
  ranking last_;
  std::deque<ranked_timer> timers_;
};

}  // namespace

TEST_CASE("a million timers fire in order in one jump of ten years", "[runtime][timer][slow]") {
  constexpr std::size_t million = 1'000'000;
  cetane::random_stream random(10);
  timer_wheel wheel(start);
  ranked_timers timers(million);

  SECTION("spread over the years") {
    timers.arm(wheel, [&] { return start + random.uniform(duration(1ns), 10 * year); });
  }
  SECTION("all with one deadline") {
    timers.arm(wheel, [] { return start + 5 * year; });
  }
  SECTION("all within a tenth of a millisecond") {
    timers.arm(wheel, [&] { return start + year + random.uniform(duration(0), duration(100us)); });
  }
  SECTION("all overdue") {
    timers.arm(wheel, [&] { return start - random.uniform(duration(0), duration(1h)); });
  }
  SECTION("all overdue, the latest first") {
    time_point deadline = start;
    timers.arm(wheel, [&] { return deadline -= 1ns; });
  }

  REQUIRE(wheel.size() == million);
  REQUIRE(wheel.fire(start + 10 * year) == million);
  REQUIRE(timers.last().fired == million);
  REQUIRE(timers.last().held);
  REQUIRE(wheel.size() == 0);
  REQUIRE(wheel.next_deadline() == never);
}

TEST_CASE("a million cancelled timers leave nothing behind", "[runtime][timer][slow]") {
  constexpr std::size_t million = 1'000'000;
  cetane::random_stream random(11);
  timer_wheel wheel(start);
  {
    ranked_timers timers(million);
    timers.arm(wheel, [&] { return start + random.uniform(duration(0), 10 * year); });
    REQUIRE(wheel.size() == million);
  }

  REQUIRE(wheel.size() == 0);
  REQUIRE(wheel.cancelled() == million);
  REQUIRE(wheel.next_deadline() == never);
  REQUIRE(wheel.fire(start + 20 * year) == 0);
}

// The wheel remembers the earliest of what was armed; it must look for it again when that is gone.

TEST_CASE("a crowd with one far deadline takes a few wake-ups, not one for each timer",
          "[runtime][timer]") {
  timer_wheel wheel(start);
  ranked_timers crowd(1000), first(1);
  crowd.arm(wheel, [] { return start + 30s; });
  first.arm(wheel, [] { return start + 1s; });

  int wake_ups = 0;
  for (; wheel.size() > 0; ++wake_ups) wheel.fire(wheel.next_deadline());

  REQUIRE(crowd.last().fired == 1000);
  REQUIRE(crowd.last().held);
  REQUIRE(wake_ups <= 8);  // the first timer, and six levels below the crowd's
}

TEST_CASE("the next deadline of a crowd is not later than its earliest timer", "[runtime][timer]") {
  timer_wheel wheel(time_point{});
  ranked_timers crowd(1000), first(1);
  const time_point bucket_begin{duration(1 << 30)};
  time_point deadline = bucket_begin;
  crowd.arm(wheel, [&] { return std::exchange(deadline, deadline + 1us); });
  first.arm(wheel, [] { return time_point{1s}; });
  REQUIRE(wheel.fire(time_point{1s}) == 1);

  REQUIRE(wheel.next_deadline() == bucket_begin);
  REQUIRE(wheel.fire(bucket_begin) == 1);
}

TEST_CASE("a crowd armed for never has no next deadline", "[runtime][timer]") {
  timer_wheel wheel(start);
  ranked_timers crowd(1000);
  ranked_timers last(1);
  crowd.arm(wheel, [] { return never; });
  last.arm(wheel, [] { return start + 1s; });

  REQUIRE(wheel.fire(start + 1s) == 1);
  REQUIRE(wheel.next_deadline() == never);
  REQUIRE(wheel.size() == 1000);
}

namespace {

// Sleeps until next_deadline() and no other moment; some timers arm themselves again when they
// fire.
class sleeper {
 public:
  explicit sleeper(std::uint64_t seed) : random_(seed), wheel_(start) {
    const std::size_t count = random_.uniform(1, 300);
    for (std::size_t i = 0; i < count; ++i) {
      timers_.emplace_back(*this);
      arm(timers_.back());
    }
  }

  // Ends when no timer is left, or when a promise is broken.
  bool sleep_through() {
    while (wheel_.size() > 0 && held_) {
      const time_point wake = wheel_.next_deadline();
      held_ = held_ && wake != never && wake >= now_;
      now_ = std::max(now_, wake);
      if (wheel_.fire(now_) > 0) continue;
      ++fruitless_;
      held_ = held_ && wheel_.next_deadline() > wake;
    }
    // To be fruitless, a wake-up must move more than 16 timers to a lower level, and there are ten
    // levels to fall.
    return held_ && fruitless_ <= wheel_.armed() * 10 / 16;
  }

  std::uint64_t fired() const { return wheel_.fired(); }

 private:
  class punctual_timer final : public cetane::detail::timer {
   public:
    explicit punctual_timer(sleeper& owner) : owner_(owner) {}

   private:
    void on_timer() noexcept override { owner_.fired(*this); }

    sleeper& owner_;
  };

  void arm(punctual_timer& timer) {
    const std::uint64_t power = std::uint64_t{1} << random_.uniform(0, 58);
    wheel_.arm(timer, now_ + duration(random_.uniform(0, power)));
  }

  void fired(punctual_timer& timer) {
    if (timer.deadline() != now_) held_ = false;
    if (now_ < start + 50 * year && random_.chance(0.8)) arm(timer);
  }

  cetane::random_stream random_;
  timer_wheel wheel_;
  time_point now_ = start;
  std::uint64_t fruitless_ = 0;
  bool held_ = true;
  std::deque<punctual_timer> timers_;
};

}  // namespace

TEST_CASE(
    "a loop that only ever sleeps until the next deadline fires each timer at its very deadline",
    "[runtime][timer]") {
  std::uint64_t fired = 0;
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    CAPTURE(seed);
    sleeper loop(seed);
    REQUIRE(loop.sleep_through());
    fired += loop.fired();
  }
  REQUIRE(fired > 50'000);
}

}  // namespace timer_wheel_many_test
