#include <cetane/runtime/event_loop.hpp>

#include <cetane/conc/sleep.hpp>
#include <cetane/conc/spawn.hpp>

#include <app/captured_log.hpp>
#include <catch2/catch_test_macros.hpp>
#include <support/forwarding_backend.hpp>
#include <support/gate.hpp>
#include <support/make_test_backend.hpp>
#include <support/test_loop.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace event_loop_test {

using namespace std::chrono_literals;
using cetane::duration;
using cetane::event_loop;
using cetane::loop_stats;
using cetane::task;
using cetane::time_point;
using cetane::yield;
using cetane::test::captured_log;
using cetane::test::forwarding_backend;
using cetane::test::gate;
using cetane::test::make_test_backend;
using cetane::test::test_loop;

namespace {

class calling_timer final : public cetane::detail::timer {
 public:
  explicit calling_timer(std::function<void()> call) : call_(std::move(call)) {}

 private:
  void on_timer() noexcept override { call_(); }
  std::function<void()> call_;
};

task<int> next_number(int n) { co_return n + 1; }

task<> spin(const bool& stop) {
  while (!stop) co_await yield();
}

void one_pass(event_loop& loop) { loop.run_once(time_point::min()); }

}  // namespace

TEST_CASE("a pass serves the mailbox, then tasks, then timers", "[runtime][loop]") {
  test_loop test;
  event_loop& loop = test.loop();
  std::string order;
  calling_timer timer([&] { order += "timer "; });
  const auto body = [&]() -> task<> {
    order += "task ";
    co_return;
  };

  loop.arm(timer, loop.now() - 1s);
  (void)test.spawn(body);
  loop.post([&] { order += "message "; });
  one_pass(loop);

  REQUIRE(order == "message task timer ");
}

TEST_CASE("a pass resumes 61 tasks at most, those made ready meanwhile included",
          "[runtime][loop]") {
  static_assert(event_loop::resumes_per_pass == 61);
  test_loop test;
  event_loop& loop = test.loop();
  int turns = 0;
  const auto counting = [&]() -> task<> {
    for (;;) {
      ++turns;
      co_await yield();
    }
  };
  const auto once = [&]() -> task<> {
    ++turns;
    co_return;
  };

  (void)test.spawn(counting);
  one_pass(loop);
  CHECK(turns == 61);
  for (int i = 0; i < 100; ++i) (void)test.spawn(once);
  one_pass(loop);
  CHECK(turns == 122);
  CHECK(loop.stats().resumes == 122);
}

// Nothing ever happens on its network, and each time that the clock is read some time has gone by.
class quiet_network final : public forwarding_backend {
 public:
  quiet_network() : forwarding_backend(make_test_backend()) {}
  time_point now() noexcept override { return time_ += between_readings; }
  bool poll(event_loop&, time_point) override {
    ++looks;
    return finds_something;
  }
  bool has_work() const noexcept override { return working; }

  int looks = 0;
  duration between_readings = 5us;
  bool finds_something = false;
  bool working = false;

 private:
  time_point time_ = time_point(1h);
};

// How many looks a loop takes in 400 passes, with a task that is always ready. Before them it gets
// used to how its network is now.
int looks_of(const quiet_network& network, event_loop& loop) {
  std::optional<int> before;
  const std::uint64_t begin = loop.stats().passes + 20;
  loop.run_until([&] {
    if (loop.stats().passes == begin && !before) before = network.looks;
    return loop.stats().passes == begin + 400;
  });
  return network.looks - *before;
}

TEST_CASE("a busy loop looks every 50 us while it finds nothing, and else in every pass",
          "[runtime][loop]") {
  auto owned = std::make_unique<quiet_network>();
  quiet_network& network = *owned;
  test_loop test(std::move(owned));
  event_loop& loop = test.loop();
  bool stop = false;
  (void)test.spawn(spin, std::cref(stop));

  CHECK(looks_of(network, loop) == 40);

  network.working = true;
  CHECK(looks_of(network, loop) == 400);
  network.working = false;

  network.finds_something = true;
  CHECK(looks_of(network, loop) == 400);
  network.finds_something = false;

  network.between_readings = 50us;
  CHECK(looks_of(network, loop) == 400);

  network.between_readings = 0us;
  CHECK(looks_of(network, loop) == 0);
  const int before = network.looks;
  const std::uint64_t passes = loop.stats().passes;
  loop.look_soon();
  loop.run_until([&] { return loop.stats().passes == passes + 5; });
  CHECK(network.looks == before + 1);

  stop = true;
  loop.run_until([&] { return loop.stats().tasks_alive == 0; });
}

TEST_CASE("tasks that only yield starve neither timers nor posted functions nor each other",
          "[runtime][loop]") {
  test_loop test;
  event_loop& loop = test.loop();
  bool stop = false;
  for (int i = 0; i < 200; ++i) (void)test.spawn(spin, std::cref(stop));
  int posted = 0;
  int slept = 0;
  const auto sleeper =
      [&]() -> task<> {  // for no time: simulated time stands still while anybody is ready
    for (; slept < 5; ++slept) co_await cetane::sleep_until(loop.now());
    stop = true;
  };
  const auto poster = [&]() -> task<> {
    for (; posted < 5; co_await yield()) {
      const int before = posted;
      loop.post([&] { ++posted; });
      while (posted == before) co_await yield();
    }
  };
  const auto handle = test.spawn(sleeper);
  const auto other = test.spawn(poster);

  loop.run_until([&] { return handle.done() && other.done() && loop.stats().tasks_alive == 0; });

  CHECK(slept == 5);
  CHECK(posted == 5);
}

TEST_CASE("a task that awaits what is ready at once goes to the end of the queue after 128 awaits",
          "[runtime][loop]") {
  test_loop test;
  event_loop& loop = test.loop();
  int reached = 0;
  int seen_by_other = 0;
  const auto busy = [&]() -> task<> {
    for (;;) reached = co_await next_number(reached);
  };
  const auto other = [&]() -> task<> {
    seen_by_other = reached;
    co_return;
  };
  (void)test.spawn(busy);
  (void)test.spawn(other);

  one_pass(loop);

  CHECK(seen_by_other <= 128);
  CHECK(seen_by_other >= 127);
  CHECK(reached > 61 * 100 / 2);
}

TEST_CASE("NEW-24: exceptions in posted functions are survived", "[runtime][loop]") {
  test_loop test;
  event_loop& loop = test.loop();
  int calls = 0;
  const captured_log log;
  loop.post([] { throw std::runtime_error("posted"); });
  loop.post([] { throw 1; });
  loop.post([&] { ++calls; });
  const auto body = [&]() -> task<> {
    ++calls;
    co_return;
  };
  (void)test.spawn(body);

  one_pass(loop);

  CHECK(calls == 2);
  CHECK(loop.stats().messages == 3);
}

TEST_CASE("run_until asks before each wait and does not wait when it is done", "[runtime][loop]") {
  test_loop test;
  event_loop& loop = test.loop();
  loop.run_until([] { return true; });
  CHECK(loop.stats().passes == 0);

  bool ended = false;
  const auto body = [&]() -> task<> {
    ended = true;
    co_return;
  };
  (void)test.spawn(body);
  loop.run_until([&] { return ended; });  // nothing else would ever wake it
  CHECK(loop.stats().passes == 1);
}

TEST_CASE("a loop within a loop, and a pass within a pass, are refused", "[runtime][loop]") {
  test_loop test;
  event_loop& loop = test.loop();
  std::vector<std::string> refusals;
  const auto refused = [&](const std::function<void()>& call) {
    try {
      call();
    } catch (const std::logic_error& e) {
      refusals.emplace_back(e.what());
    }
  };
  const auto body = [&]() -> task<> {
    refused([&] { loop.run_until([] { return true; }); });
    refused([&] { one_pass(loop); });
    co_return;
  };
  const auto handle = test.spawn(body);
  loop.run_until([&] { return handle.done(); });

  REQUIRE(refusals.size() == 2);
  CHECK(refusals[0] ==
        "an event loop runs on this thread already; await the task instead of running it");
  CHECK(refusals[1] == "run_once: this event loop is running already");
  CHECK(event_loop::current() == nullptr);
}

TEST_CASE("a loop is that of its thread while it runs, and only then", "[runtime][loop]") {
  test_loop outer;
  test_loop inner;
  CHECK(event_loop::current() == nullptr);
  outer.loop().post([&] {
    CHECK(event_loop::current() == &outer.loop());
    inner.loop().post([&] { CHECK(event_loop::current() == &inner.loop()); });
    one_pass(inner.loop());
    CHECK(inner.loop().stats().messages == 1);
    CHECK(event_loop::current() == &outer.loop());
  });
  one_pass(outer.loop());
  CHECK(outer.loop().stats().messages == 1);
  CHECK(event_loop::current() == nullptr);
}

TEST_CASE("the running task is known while it runs", "[runtime][loop]") {
  test_loop test;
  event_loop& loop = test.loop();
  std::vector<const void*> running;
  const auto body = [&]() -> task<> {
    running.push_back(loop.running());
    co_await yield();
    running.push_back(loop.running());
  };
  const auto first = test.spawn(body);
  const auto second = test.spawn(body);
  loop.run_until([&] { return first.done() && second.done(); });

  CHECK(loop.running() == nullptr);
  REQUIRE(running.size() == 4);
  CHECK(running[0] == running[2]);
  CHECK(running[1] == running[3]);
  CHECK(running[0] != running[1]);
}

TEST_CASE("the counters agree with each other at any time", "[runtime][loop]") {
  test_loop test;
  event_loop& loop = test.loop();
  gate door;
  const auto body = [&](int number) -> task<> {
    co_await cetane::sleep(std::chrono::microseconds(number));
    if (number % 3 == 0) co_await door.wait();
    for (int i = 0; i < number % 5; ++i) co_await yield();
  };
  std::vector<cetane::join_handle<>> handles;
  for (int n = 0; n < 60; ++n) handles.push_back(test.spawn(body, n));
  const auto check = [&] {
    const loop_stats now = loop.stats();
    CHECK(now.tasks_started == now.tasks_finished + now.tasks_alive);
    CHECK(now.timers_armed == now.timers_fired + now.timers_cancelled + now.timers_live);
  };
  for (int i = 0; i < 10; ++i) {
    one_pass(loop);
    check();
  }
  for (int n = 0; n < 60; n += 7) handles[static_cast<std::size_t>(n)].cancel();
  check();
  loop.run_until([&] {
    check();
    door.open();
    return loop.stats().tasks_alive == 0;
  });

  const loop_stats end = loop.stats();
  CHECK(end.tasks_started == 60);
  CHECK(end.tasks_finished == 60);
  CHECK(end.timers_live == 0);
  CHECK(end.timers_armed == 59);  // number 0 sleeps for no time at all
}

}  // namespace event_loop_test
