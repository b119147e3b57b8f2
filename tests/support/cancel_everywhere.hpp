#pragma once

#include <support/expect.hpp>
#include <support/stage.hpp>

#include <cetane/backend/sim.hpp>
#include <cetane/coro/task.hpp>
#include <cetane/testing/interrupter.hpp>

#include <catch2/catch_test_macros.hpp>

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <iterator>
#include <optional>
#include <utility>

namespace cetane::test {

inline std::size_t descriptors_of_process() {
  const std::filesystem::directory_iterator all("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

/// Plays `scenario(stage&)` again and again, and cancels it a moment later each time, from before
/// its beginning to after its end. No task, timer, frame or descriptor is left, whatever was cut
/// short.
///
/// Gives how many moments there were. `afterwards(stage&)` may look for more that should not be
/// left; nothing runs any more by then.
template <class Scenario, class Look>
std::size_t cancel_everywhere(Scenario scenario, Look afterwards) {
  constexpr std::size_t most = 3000;
  std::optional<std::size_t> descriptors;
  for (std::size_t moment = 0; moment < most; ++moment) {
    INFO("cancelled at moment " << moment);
    bool cancelled = false;
    {
      stage on;
      event_loop& loop = on.loop;
      auto playing = on.loop.spawn(scenario, std::ref(on));
      cancelled = testing::interrupter(loop, playing, moment).run();
      REQUIRE(loop.stats().tasks_alive == 0);
      REQUIRE(on.alive == 0);
      const std::string text =
          on.loop.run([&]() -> task<std::string> { return thrown_by(playing); });
      // What was complete when the cancel came is delivered.
      CHECK((text.empty() || (cancelled && text == "cancelled: user")));
      afterwards(on);
      on.pair.reset();
      run_until(loop, [&] { return loop.orphans().empty(); });  // all connections are closed
      check_nothing_left(on.loop);
      if (on_sim()) REQUIRE(simulation::of(loop).open_descriptors() == 0);
    }
    // What is there for the whole process has been made when the scenario was first played.
    if (!descriptors) descriptors = descriptors_of_process();
    REQUIRE(descriptors_of_process() <= *descriptors);
    if (!cancelled) return moment;
  }
  FAIL("the scenario has not ended after " << most << " moments");
  return most;
}

template <class Scenario>
std::size_t cancel_everywhere(Scenario scenario) {
  return cancel_everywhere(scenario, [](stage&) {});
}

}  // namespace cetane::test
