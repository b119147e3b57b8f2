// Measures the timer wheel: what arming and cancelling cost among a number of live timers, and what
// firing costs.
//
// Prints one line per measurement, in nanoseconds per timer: the median of several rounds. Needs
// nothing but the library's sources; only the numbers of one run, on one machine, compare with each
// other.

#include "runtime/timer_wheel.hpp"

#include <cetane/base/random.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

namespace {

using namespace std::chrono_literals;
using cetane::duration;
using cetane::time_point;

struct quiet_timer final : cetane::detail::timer {
  void on_timer() noexcept override {}
};

using timers = std::vector<std::unique_ptr<quiet_timer>>;

timers make_timers(std::size_t count) {
  timers made;
  for (std::size_t i = 0; i < count; ++i) made.push_back(std::make_unique<quiet_timer>());
  return made;
}

template <class Work>
double median_ns(std::size_t steps, Work work) {
  std::vector<double> rounds;
  for (int round = 0; round < 9; ++round) {
    const auto begin = std::chrono::steady_clock::now();
    work();
    const duration spent = std::chrono::steady_clock::now() - begin;
    rounds.push_back(static_cast<double>(spent.count()) / static_cast<double>(steps));
  }
  std::sort(rounds.begin(), rounds.end());
  return rounds[rounds.size() / 2];
}

void arm_them(cetane::detail::timer_wheel& wheel, timers& all, time_point now) {
  cetane::random_stream random(1);
  for (auto& each : all) wheel.arm(*each, now + random.uniform(duration(1ms), duration(60s)));
}

// A timeout that never comes: armed for each request, cancelled by its reply.
void measure_arm_and_cancel(std::size_t live) {
  constexpr std::size_t steps = 1'000'000;
  const time_point start{1h};
  cetane::detail::timer_wheel wheel(start);
  timers others = make_timers(live);
  arm_them(wheel, others, start);

  quiet_timer timeout;
  const double cost = median_ns(steps, [&] {
    time_point now = start;
    for (std::size_t i = 0; i < steps; ++i) {
      now += 1us;
      wheel.arm(timeout, now + 5s);
      wheel.cancel(timeout);
    }
  });
  fmt::print("arm and cancel, {} live: {:.1f}\n", live, cost);
}

// An idle timeout that each message puts off.
void measure_arm_anew(std::size_t live) {
  constexpr std::size_t steps = 1'000'000;
  const time_point start{1h};
  cetane::detail::timer_wheel wheel(start);
  timers all = make_timers(live);
  arm_them(wheel, all, start);

  const double cost = median_ns(steps, [&] {
    time_point now = start;
    for (std::size_t i = 0; i < steps; ++i) wheel.arm(*all[i % live], (now += 1us) + 30s);
  });
  fmt::print("arm anew, {} live: {:.1f}\n", live, cost);
}

// The loop as it sees it: each pass fires what is due and asks when to wake next.
void measure_fire(std::size_t live) {
  const time_point start{1h};
  timers all = make_timers(live);
  cetane::detail::timer_wheel wheel(start);
  time_point now = start;

  const double cost = median_ns(live, [&] {
    arm_them(wheel, all, now);
    while (wheel.size() > 0) wheel.fire(now = std::max(now + 1ms, wheel.next_deadline()));
  });
  fmt::print("arm and fire within 60 s, {} live: {:.1f}\n", live, cost);
}

}  // namespace

int main() {
  for (const std::size_t live : {1'000, 10'000, 100'000}) {
    measure_arm_and_cancel(live);
    measure_arm_anew(live);
    measure_fire(live);
  }
}
