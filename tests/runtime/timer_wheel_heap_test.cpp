// The timer wheel against a heap ordered by (deadline, order of arming): whatever is done to them,
// both fire the same timers in the same order.

#include "numbered_timers.hpp"

#include <cetane/base/random.hpp>

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace timer_wheel_heap_test {

using namespace std::chrono_literals;
using cetane::duration;
using cetane::never;
using cetane::time_point;
using cetane::testing::numbered_heap;
using cetane::testing::numbered_wheel;

namespace {

constexpr time_point dawn = time_point::min();
constexpr duration year = 365 * 24h;

// A timer that fired, or the end of a call that fired them.
struct event {
  time_point now;
  std::optional<std::size_t> timer;
  std::size_t live;

  bool operator==(const event&) const = default;
};

// Does the same random things for the same seed to whichever of the two it drives.
template <class Timers>
class story {
 public:
  explicit story(std::uint64_t seed)
      : random_(seed),
        count_(random_.chance(0.3) ? 400 : 12),
        now_(random_start()),
        deadlines_(count_, dawn),
        timers_(now_, count_, [this](std::size_t id) { fired(id); }) {}

  std::vector<event> run(int steps) {
    for (int i = 0; i < steps; ++i) {
      const std::uint64_t what = random_.uniform(0, 99);
      if (what < 60) {
        arm(random_id());
      } else if (what < 75) {
        timers_.cancel(random_id());
      } else {
        advance();
      }
      ask();
    }
    return std::move(events_);
  }

  bool answers_held() const { return answers_held_; }

 private:
  std::size_t random_id() { return random_.uniform(0, count_ - 1); }

  time_point random_start() {
    const time_point starts[] = {time_point{}, time_point{1h}, time_point{-1h}, dawn + year,
                                 never - 50 * year};
    return starts[random_.uniform(0, std::size(starts) - 1)];
  }

  // Near the places where levels and buckets of the wheel meet, and everywhere else.
  duration random_span() {
    const std::uint64_t power = std::uint64_t{1} << random_.uniform(0, 62);
    switch (random_.uniform(0, 3)) {
      case 0:
        return duration(power);
      case 1:
        return duration(power) - 1ns;
      case 2:
        return duration(random_.uniform(0, power));
      default:
        return duration(random_.uniform(0, 100));
    }
  }

  time_point later(duration span) { return cetane::deadline_after(now_, span); }

  time_point random_deadline() {
    switch (random_.uniform(0, 9)) {
      case 0:
        return now_;
      case 1:
        return deadlines_[random_id()];  // an equal one, most often
      case 2:
        return now_ > dawn + 100ns ? now_ - duration(random_.uniform(0, 100)) : dawn;
      case 3:
        return random_.chance(0.5) ? never : dawn;
      case 4:
        return on_a_boundary();
      default:
        return later(random_span());
    }
  }

  time_point on_a_boundary() {
    const std::uint64_t below = (std::uint64_t{1} << random_.uniform(1, 60)) - 1;
    const auto rounded = (static_cast<std::uint64_t>(now_.time_since_epoch().count()) | below) -
                         random_.uniform(0, 2) + 1;
    return time_point(duration(static_cast<duration::rep>(rounded)));
  }

  void arm(std::size_t id) {
    deadlines_[id] = random_deadline();
    timers_.arm(id, deadlines_[id]);
  }

  time_point earliest() const {
    time_point found = never;
    for (std::size_t id = 0; id < count_; ++id) {
      if (timers_.armed(id)) found = std::min(found, deadlines_[id]);
    }
    return found;
  }

  void advance() {
    const time_point next = earliest();
    switch (random_.uniform(0, 5)) {
      case 0:
        break;
      case 1:
        now_ = later(1ns);
        break;
      case 2:
        now_ = later(duration(random_.uniform(0, 64)));
        break;
      case 3:
        now_ = std::max(now_, next == never ? now_ : next);
        break;
      case 4:
        now_ = std::max(now_, next == never || next == dawn ? now_ : next - 1ns);
        break;
      default:
        now_ = std::max(now_, std::min(later(random_span() / 64), never - year));
        break;
    }
    const std::size_t before = events_.size();
    if (timers_.fire(now_) != events_.size() - before) answers_held_ = false;
    events_.push_back({now_, std::nullopt, timers_.size()});
  }

  void fired(std::size_t id) {
    events_.push_back({now_, id, timers_.size()});
    if (timers_.armed(id)) answers_held_ = false;
    for (std::uint64_t acts = random_.uniform(0, 3); acts > 1; --acts) {
      if (random_.chance(0.5)) {
        arm(random_.chance(0.3) ? id : random_id());
      } else {
        timers_.cancel(random_id());
      }
    }
    if (random_.chance(0.1)) ask();
  }

  // What next_deadline() promises: no later than the truth, exact among few, and never only if
  // nothing is to come.
  void ask() {
    const time_point answer = timers_.next_deadline();
    const time_point truth = earliest();
    if (answer > truth) answers_held_ = false;
    if ((answer == never) != (truth == never)) answers_held_ = false;
    if (count_ <= 16 && answer != truth) answers_held_ = false;
  }

  cetane::random_stream random_;
  std::size_t count_;
  time_point now_;
  std::vector<time_point> deadlines_;
  std::vector<event> events_;
  bool answers_held_ = true;
  Timers timers_;
};

}  // namespace

TEST_CASE("the wheel fires what a heap would, in the same order", "[runtime][timer]") {
  std::size_t fired = 0;
  for (std::uint64_t seed = 0; seed < 400; ++seed) {
    CAPTURE(seed);
    story<numbered_heap> expected(seed);
    story<numbered_wheel> actual(seed);

    const std::vector<event> expected_events = expected.run(500);
    const std::vector<event> actual_events = actual.run(500);

    REQUIRE(actual_events == expected_events);
    REQUIRE(expected.answers_held());
    REQUIRE(actual.answers_held());
    for (const event& each : actual_events) fired += each.timer.has_value() ? 1 : 0;
  }
  REQUIRE(fired > 20'000);  // or the stories are not worth telling
}

}  // namespace timer_wheel_heap_test
