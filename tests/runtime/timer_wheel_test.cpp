#include "runtime/timer_wheel.hpp"

#include <catch2/catch_test_macros.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace timer_wheel_test {

using namespace std::chrono_literals;
using cetane::duration;
using cetane::never;
using cetane::time_point;
using cetane::detail::timer_wheel;

namespace {

constexpr time_point start{1h};
constexpr duration year = 365 * 24h;

// Notes its number when it fires, and then does what it was given to do.
class noting_timer final : public cetane::detail::timer {
 public:
  noting_timer(std::vector<int>& fired, int number, std::function<void()> then = {})
      : fired_(fired), number_(number), then_(std::move(then)) {}

 private:
  void on_timer() noexcept override {
    fired_.push_back(number_);
    if (const auto then = then_) then();
  }

  std::vector<int>& fired_;
  int number_;
  std::function<void()> then_;
};

using numbers = std::vector<int>;

}  // namespace

TEST_CASE("timers fire in the order of their deadlines, equal ones in the order of arming",
          "[runtime][timer]") {
  timer_wheel wheel(start);
  numbers fired;
  noting_timer a(fired, 1), b(fired, 2), c(fired, 3), d(fired, 4);

  wheel.arm(a, start + 5s);
  wheel.arm(b, start + 2s);
  wheel.arm(c, start + 5s);
  wheel.arm(d, start + 2s + 1ns);
  wheel.arm(b, start + 5s);  // anew: behind c

  REQUIRE(wheel.fire(start + 10s) == 4);
  REQUIRE(fired == numbers{4, 1, 3, 2});
}

TEST_CASE("a timer armed when its equals have already moved down the wheel fires behind them",
          "[runtime][timer]") {
  timer_wheel wheel(start);
  numbers fired;
  noting_timer early(fired, 1), late(fired, 2), pacemaker(fired, 0);
  const time_point deadline = start + 1h;
  wheel.arm(early, deadline);

  for (duration before = 30min; before > 0ns; before /= 60) {
    wheel.arm(pacemaker, deadline - before);
    wheel.fire(deadline - before);
    wheel.arm(late, deadline);
  }
  fired.clear();

  REQUIRE(wheel.fire(deadline) == 2);
  REQUIRE(fired == numbers{1, 2});
}

TEST_CASE("a timer fires at its deadline and not a nanosecond before, on every level of the wheel",
          "[runtime][timer]") {
  numbers fired;
  noting_timer timer(fired, 1);

  for (const time_point begin : {time_point{}, start, time_point{-1ns}, time_point{-3 * year}}) {
    for (int bits = 0; bits < 63; ++bits) {
      for (const duration nudge : {-1ns, 0ns, 1ns}) {
        const duration span = duration(duration::rep{1} << bits) + nudge;
        if (span <= 0ns || span >= never - std::max(begin, time_point{})) continue;
        CAPTURE(begin.time_since_epoch().count(), bits, nudge.count());
        timer_wheel wheel(begin);
        wheel.arm(timer, begin + span);

        REQUIRE(wheel.next_deadline() == begin + span);
        REQUIRE(wheel.fire(begin + span - 1ns) == 0);
        REQUIRE(wheel.next_deadline() == begin + span);
        REQUIRE(wheel.fire(begin + span) == 1);
        REQUIRE_FALSE(timer.armed());
      }
    }
  }
}

TEST_CASE("a cancelled timer does not fire, and cancelling twice is nothing", "[runtime][timer]") {
  timer_wheel wheel(start);
  numbers fired;
  noting_timer kept(fired, 1), dropped(fired, 2);
  wheel.arm(kept, start + 1s);
  wheel.arm(dropped, start + 1s);

  wheel.cancel(dropped);
  wheel.cancel(dropped);

  REQUIRE_FALSE(dropped.armed());
  REQUIRE(wheel.size() == 1);
  REQUIRE(wheel.cancelled() == 1);
  REQUIRE(wheel.fire(start + 1h) == 1);
  REQUIRE(fired == numbers{1});
}

TEST_CASE("a deadline that has passed is due at once, in its order", "[runtime][timer]") {
  timer_wheel wheel(start);
  numbers fired;
  noting_timer now(fired, 1), past(fired, 2), oldest(fired, 3), past_too(fired, 4), soon(fired, 5);
  wheel.arm(soon, start + 1ns);
  wheel.arm(now, start);
  wheel.arm(past, start - 1s);
  wheel.arm(oldest, time_point::min());
  wheel.arm(past_too, start - 1s);

  REQUIRE(wheel.next_deadline() == time_point::min());
  REQUIRE(wheel.fire(start) == 4);
  REQUIRE(fired == numbers{3, 2, 4, 1});
  REQUIRE(wheel.next_deadline() == start + 1ns);
}

TEST_CASE("a timer armed for never does not fire, not even at the end of time",
          "[runtime][timer]") {
  timer_wheel wheel(start);
  numbers fired;
  noting_timer hopeless(fired, 1), last(fired, 2);
  wheel.arm(hopeless, never);
  REQUIRE(wheel.next_deadline() == never);
  wheel.arm(last, never - 1ns);

  REQUIRE(wheel.next_deadline() == never - 1ns);
  REQUIRE(wheel.fire(never - 2ns) == 0);
  REQUIRE(wheel.fire(never) == 1);

  REQUIRE(fired == numbers{2});
  REQUIRE(hopeless.armed());
  REQUIRE(wheel.next_deadline() == never);
  wheel.cancel(hopeless);
  REQUIRE(wheel.size() == 0);
}

TEST_CASE("a due timer that an earlier one cancels does not fire", "[runtime][timer]") {
  timer_wheel wheel(start);
  numbers fired;
  noting_timer equal(fired, 2), later(fired, 3), last(fired, 4);
  noting_timer first(fired, 1, [&] {
    wheel.cancel(equal);
    wheel.cancel(later);
  });
  wheel.arm(first, start + 1s);
  wheel.arm(equal, start + 1s);
  wheel.arm(later, start + 2s);
  wheel.arm(last, start + 3s);

  REQUIRE(wheel.fire(start + 1h) == 2);
  REQUIRE(fired == numbers{1, 4});
  REQUIRE(wheel.armed() == 4);
  REQUIRE(wheel.fired() == 2);
  REQUIRE(wheel.cancelled() == 2);
}

TEST_CASE("a timer armed while others fire waits for the next call, even if it is due",
          "[runtime][timer]") {
  timer_wheel wheel(start);
  numbers fired;
  noting_timer fresh(fired, 2), moved(fired, 3);
  noting_timer again(fired, 1, [&] {
    if (fired.size() > 1) return;
    wheel.arm(fresh, start + 2s);
    wheel.arm(moved, start + 1s);
    wheel.arm(again, start + 1s);
  });
  wheel.arm(again, start + 1s);
  wheel.arm(moved, start + 5s);

  REQUIRE(wheel.fire(start + 10s) == 1);
  REQUIRE(fired == numbers{1});
  REQUIRE(wheel.next_deadline() == start + 1s);

  REQUIRE(wheel.fire(start + 10s) == 3);
  REQUIRE(fired == numbers{1, 3, 1, 2});
}

TEST_CASE("while timers fire, the next deadline counts those still to fire", "[runtime][timer]") {
  timer_wheel wheel(start);
  numbers fired;
  std::vector<time_point> answers;
  noting_timer first(fired, 1, [&] { answers.push_back(wheel.next_deadline()); });
  noting_timer second(fired, 2, [&] { answers.push_back(wheel.next_deadline()); });
  noting_timer later(fired, 3);
  wheel.arm(first, start + 1s);
  wheel.arm(second, start + 2s);
  wheel.arm(later, start + 3s);

  REQUIRE(wheel.fire(start + 2s) == 2);
  REQUIRE(answers == std::vector<time_point>{start + 2s, start + 3s});
  REQUIRE(wheel.next_deadline() == start + 3s);
}

TEST_CASE("a timer may destroy itself and others while it fires", "[runtime][timer]") {
  timer_wheel wheel(start);
  numbers fired;
  auto other = std::make_unique<noting_timer>(fired, 2);
  std::optional<noting_timer> self;
  self.emplace(fired, 1, [&] {
    other.reset();
    self.reset();
  });
  wheel.arm(*self, start + 1s);
  wheel.arm(*other, start + 1s);

  REQUIRE(wheel.fire(start + 1s) == 1);
  REQUIRE(fired == numbers{1});
  REQUIRE(wheel.size() == 0);
}

TEST_CASE("a destroyed timer leaves its wheel, and a destroyed wheel its timers",
          "[runtime][timer]") {
  numbers fired;
  noting_timer survivor(fired, 1), overdue(fired, 2), parked(fired, 3);
  {
    timer_wheel wheel(start);
    {
      noting_timer brief(fired, 4);
      wheel.arm(brief, start + 1s);
    }
    REQUIRE(wheel.size() == 0);
    REQUIRE(wheel.next_deadline() == never);
    REQUIRE(wheel.fire(start + 1min) == 0);

    wheel.arm(survivor, start + 1h);
    wheel.arm(overdue, start);
    wheel.arm(parked, never);
  }

  REQUIRE_FALSE(survivor.armed());
  REQUIRE_FALSE(overdue.armed());
  REQUIRE_FALSE(parked.armed());
  survivor.disarm();
  REQUIRE(fired.empty());
}

TEST_CASE("the next deadline rises when the timer that set it is cancelled", "[runtime][timer]") {
  timer_wheel wheel(start);
  numbers fired;
  noting_timer soon(fired, 1), late(fired, 2);
  wheel.arm(late, start + 1h);
  wheel.arm(soon, start + 1s);
  REQUIRE(wheel.next_deadline() == start + 1s);

  wheel.cancel(soon);
  REQUIRE(wheel.next_deadline() == start + 1h);
  wheel.arm(late, start + 2h);
  REQUIRE(wheel.next_deadline() == start + 2h);
  wheel.cancel(late);
  REQUIRE(wheel.next_deadline() == never);
}

TEST_CASE("a clock that steps back loses nothing", "[runtime][timer]") {
  timer_wheel wheel(start);
  numbers fired;
  noting_timer first(fired, 1), near(fired, 2), far(fired, 3);
  wheel.arm(first, start + 5s);
  wheel.arm(near, start + 5s + 100ns);
  REQUIRE(wheel.fire(start + 5s) == 1);

  REQUIRE(wheel.fire(start + 1s) == 0);
  wheel.cancel(near);
  wheel.arm(far, start + 8s);

  REQUIRE(wheel.next_deadline() == start + 8s);
  REQUIRE(wheel.fire(start + 8s) == 1);
  REQUIRE(fired == numbers{1, 3});
}

}  // namespace timer_wheel_test
