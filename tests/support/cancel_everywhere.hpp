#pragma once

#include <support/connected_pair.hpp>
#include <support/expect.hpp>
#include <support/gate.hpp>
#include <support/test_loop.hpp>

#include <cetane/backend/sim.hpp>
#include <cetane/conc/sleep.hpp>
#include <cetane/coro/task.hpp>

#include <catch2/catch_test_macros.hpp>

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <iterator>
#include <optional>
#include <utility>

namespace cetane::test {

/// What a scenario is given, new for each time that it is played.
struct stage {
  test_loop loop;
  std::optional<connected_pair> pair{std::in_place, loop, socket_buffers::small};
  int alive = 0;  // frames that have noted themselves

  connection& here() { return pair->here; }
  connection& there() { return pair->there; }

  /// In a frame: notes that it is there, until it is destroyed.
  class presence {
   public:
    explicit presence(stage& on) noexcept : stage_(on) { ++stage_.alive; }
    presence(const presence&) = delete;
    presence& operator=(const presence&) = delete;
    ~presence() { --stage_.alive; }

   private:
    stage& stage_;
  };
};

/// Cancels a task at one moment: before it begins, which is moment 0, or when it is suspended,
/// which is each time when everybody who was ready has had a turn, and between two passes of the
/// loop.
class interrupter {
 public:
  interrupter(event_loop& loop, join_handle<>& task, std::size_t moment)
      : loop_(loop), task_(task), moment_(moment) {}

  /// Runs the loop until the task has ended. False if that was before its moment came.
  bool run() {
    seen_ = loop_.stats().resumes;
    next_moment();
    auto looking = detail::spawn_in(loop_, loop_.scope(), [this]() -> task<> { return look(); });
    loop_.run_until([this] { return step(); });
    looking.cancel();
    while (!looking.done()) loop_.run_once(time_point::min());
    return cancelled_;
  }

 private:
  // Asked twice in a pass: where it begins somebody goes along who looks after each turn.
  bool step() {
    look_once();
    const std::uint64_t passes = loop_.stats().passes;
    if (std::exchange(passes_, passes) == passes) rest_.open();
    return task_.done();
  }

  void next_moment() {
    if (moments_++ != moment_ || task_.done()) return;
    cancelled_ = true;
    task_.cancel();
  }

  // Turns of its own do not count: when nobody else had one it rests, so that time can pass.
  task<> look() {
    for (;;) {
      ++own_turns_;
      if (look_once()) {
        co_await yield();
      } else {
        co_await rest_.wait();
      }
    }
  }

  bool look_once() {
    const std::uint64_t others = loop_.stats().resumes - own_turns_;
    if (std::exchange(seen_, others) == others) return false;
    next_moment();
    return true;
  }

  event_loop& loop_;
  join_handle<>& task_;
  std::size_t moment_;
  std::size_t moments_ = 0;
  std::uint64_t seen_ = 0;
  std::uint64_t own_turns_ = 0;
  std::uint64_t passes_ = 0;
  gate rest_;
  bool cancelled_ = false;
};

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
      cancelled = interrupter(loop, playing, moment).run();
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
