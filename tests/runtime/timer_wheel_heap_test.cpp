// The timer wheel against a heap ordered by (deadline, order of arming): whatever is done to them,
// both fire the same timers in the same order.

#include "runtime/timer_wheel.hpp"

#include <cetane/base/random.hpp>

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using cetane::duration;
using cetane::never;
using cetane::time_point;

namespace {

constexpr time_point dawn = time_point::min();
constexpr duration year = 365 * 24h;

using on_fired = std::function<void(std::size_t)>;

// The oracle. Timers are numbered from 0.
class heap {
 public:
  heap(time_point, std::size_t count, on_fired then) : entries_(count), then_(std::move(then)) {}

  void arm(std::size_t id, time_point deadline) {
    cancel(id);
    entries_[id] = {deadline, ++armings_, id, true};
    queue_.insert(entries_[id]);
  }

  void cancel(std::size_t id) {
    if (std::exchange(entries_[id].armed, false)) queue_.erase(entries_[id]);
  }

  bool armed(std::size_t id) const { return entries_[id].armed; }
  std::size_t size() const { return queue_.size(); }
  time_point next_deadline() const { return queue_.empty() ? never : queue_.begin()->deadline; }

  std::size_t fire(time_point now) {
    std::vector<entry> batch;
    for (const entry& each : queue_) {
      if (each.deadline <= now && each.deadline != never) batch.push_back(each);
    }
    std::size_t count = 0;
    for (const entry& each : batch) {
      if (queue_.count(each) == 0) continue;
      cancel(each.id);
      ++count;
      then_(each.id);
    }
    return count;
  }

 private:
  struct entry {
    time_point deadline;
    std::uint64_t arming = 0;
    std::size_t id = 0;
    bool armed = false;

    bool operator<(const entry& other) const {
      return std::tie(deadline, arming) < std::tie(other.deadline, other.arming);
    }
  };

  std::vector<entry> entries_;
  std::set<entry> queue_;
  on_fired then_;
  std::uint64_t armings_ = 0;
};

// The wheel, its timers numbered alike.
class wheel {
 public:
  wheel(time_point start, std::size_t count, on_fired then)
      : wheel_(start), then_(std::move(then)) {
    for (std::size_t id = 0; id < count; ++id) timers_.emplace_back(then_, id);
  }

  void arm(std::size_t id, time_point deadline) { wheel_.arm(timers_[id], deadline); }
  void cancel(std::size_t id) { wheel_.cancel(timers_[id]); }
  bool armed(std::size_t id) const { return timers_[id].armed(); }
  std::size_t size() const { return wheel_.size(); }
  time_point next_deadline() const { return wheel_.next_deadline(); }
  std::size_t fire(time_point now) { return wheel_.fire(now); }

 private:
  class numbered_timer final : public cetane::detail::timer {
   public:
    numbered_timer(const on_fired& then, std::size_t id) : then_(then), id_(id) {}

   private:
    void on_timer() noexcept override { then_(id_); }

    const on_fired& then_;
    std::size_t id_;
  };

  cetane::detail::timer_wheel wheel_;
  on_fired then_;
  std::deque<numbered_timer> timers_;
};

// One step of the story: what fired, when, and what was known before.
struct event {
  time_point now;
  std::size_t fired;
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
        timers_arm(random_id());
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

  void timers_arm(std::size_t id) {
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
        now_ = std::min(later(random_span() / 64), never - year);
        break;
    }
    const std::size_t before = events_.size();
    if (timers_.fire(now_) != events_.size() - before) answers_held_ = false;
    events_.push_back({now_, count_, timers_.size()});
  }

  void fired(std::size_t id) {
    events_.push_back({now_, id, timers_.size()});
    if (timers_.armed(id)) answers_held_ = false;
    for (std::uint64_t acts = random_.uniform(0, 3); acts > 1; --acts) {
      if (random_.chance(0.5)) {
        timers_arm(random_.chance(0.3) ? id : random_id());
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
    story<heap> expected(seed);
    story<wheel> actual(seed);

    const std::vector<event> expected_events = expected.run(500);
    const std::vector<event> actual_events = actual.run(500);

    REQUIRE(actual_events == expected_events);
    REQUIRE(expected.answers_held());
    REQUIRE(actual.answers_held());
    fired += actual_events.size();
  }
  REQUIRE(fired > 50'000);  // the story is worth telling
}
