// Virtual time, and what it waits for.

#include "fake_io.hpp"

#include <cetane/backend/make_backend.hpp>
#include <cetane/backend/sim.hpp>
#include <cetane/base/scope_exit.hpp>
#include <cetane/conc/sleep.hpp>
#include <cetane/conc/spawn.hpp>
#include <cetane/runtime/this_task.hpp>
#include <cetane/runtime/timer.hpp>

#include <catch2/generators/catch_generators.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <chrono>
#include <future>
#include <string>
#include <thread>

namespace sim_time_test {

using namespace cetane;
using namespace cetane::test;
using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;

namespace {

// Notes the time at which it fires.
struct noting_timer final : detail::timer {
  explicit noting_timer(event_loop& on) : loop(on) {}
  void on_timer() noexcept override { fired_at = loop.now(); }
  event_loop& loop;
  time_point fired_at = time_point::min();
};

std::string stuck_text(event_loop& loop) {
  try {
    loop.run_until([] { return false; });
  } catch (const simulation_stuck& stuck) {
    return stuck.what();
  }
  return "not stuck";
}

}  // namespace

TEST_CASE("virtual time begins at the same point and passes only in a wait",
          "[backend][sim][not-epoll]") {
  event_loop loop(make_sim_backend());
  REQUIRE(loop.now() == simulation_start);

  loop.run_once(time_point::min());
  loop.run_once(simulation_start - 1ns);
  loop.run_once(simulation_start);
  REQUIRE(loop.now() == simulation_start);

  loop.run_once(simulation_start + 1ns);
  REQUIRE(loop.now() == simulation_start + 1ns);
  REQUIRE(simulation::of(loop).now() == simulation_start + 1ns);
}

TEST_CASE("a timer fires at its deadline to the nanosecond, years ahead as well",
          "[backend][sim][not-epoll]") {
  event_loop loop(make_sim_backend());
  const duration span = GENERATE(duration(1ns), duration(1s + 1ns), duration(1000 * 24h));
  noting_timer timer(loop);
  loop.arm(timer, simulation_start + span);

  loop.run_until([&] { return timer.fired_at != time_point::min(); });

  REQUIRE(timer.fired_at == simulation_start + span);
}

TEST_CASE("bytes arrive exactly after the latency", "[backend][sim][not-epoll]") {
  event_loop loop(make_sim_backend(sim_options().set_latency(7ms, 7ms)));
  connected_pair pair(loop);
  settle(loop);
  const time_point sent = loop.now();
  time_point arrived = time_point::min();
  pair.server.hook = [&] { arrived = loop.now(); };
  REQUIRE(pair.client.write("x") == 1);

  run_until(loop, [&] { return pair.server.data == "x"; });

  REQUIRE(arrived == sent + 7ms);
}

TEST_CASE("a connection takes a way there and a way back, and a way there to the listener",
          "[backend][sim][not-epoll]") {
  event_loop loop(make_sim_backend(sim_options().set_latency(5ms, 5ms)));
  listening server(loop);
  time_point accepted_at;
  server.io.hook = [&] { accepted_at = loop.now(); };
  int descriptor = -1;

  REQUIRE(connect_to(loop, server.where, descriptor) == 0);
  REQUIRE(loop.now() == simulation_start + 10ms);
  run_until(loop, [&] { return server.io.calls == 1; });
  REQUIRE(accepted_at == simulation_start + 15ms);
  loop.io().close(descriptor, false);
}

TEST_CASE("a refusal takes a way there and a way back", "[backend][sim][not-epoll]") {
  event_loop loop(make_sim_backend(sim_options().set_latency(5ms, 5ms)));
  int descriptor = -1;

  REQUIRE(connect_to(loop, *address::parse_ip("10.1.2.3", 80), descriptor) == -ECONNREFUSED);

  REQUIRE(loop.now() == simulation_start + 10ms);
}

TEST_CASE("latencies are drawn between the two that were given", "[backend][sim][not-epoll]") {
  event_loop loop(make_sim_backend(sim_options(test_seed()).set_latency(1ms, 3ms)));
  connected_pair pair(loop);
  duration shortest = 1h, longest = 0ns;
  for (int i = 0; i < 200; ++i) {
    settle(loop);
    const time_point sent = loop.now();
    const std::size_t before = pair.server.data.size();
    REQUIRE(pair.client.write("x") == 1);
    run_until(loop, [&] { return pair.server.data.size() > before; });
    shortest = std::min(shortest, loop.now() - sent);
    longest = std::max(longest, loop.now() - sent);
  }

  REQUIRE(shortest >= 1ms);
  REQUIRE(longest <= 3ms);
  REQUIRE(longest - shortest > 1ms);
}

TEST_CASE("time stands still while a task is ready", "[backend][sim][not-epoll]") {
  event_loop loop(make_sim_backend());
  noting_timer timer(loop);
  loop.arm(timer, simulation_start + 1ns);
  int turns = 0;
  auto busy = [](int& count) -> task<> {
    for (; count < 1000; ++count) co_await yield();
  };
  auto handle = detail::spawn_in(loop, loop.scope(), busy, std::ref(turns));

  loop.run_until([&] { return handle.done(); });

  REQUIRE(turns == 1000);
  REQUIRE(loop.now() == simulation_start);
  REQUIRE(timer.fired_at == time_point::min());
}

TEST_CASE("a loop that nothing can wake says so, with the tasks that wait",
          "[backend][sim][not-epoll]") {
  event_loop loop(make_sim_backend(sim_options(42)));
  auto wait = [](int& step) -> task<> {
    co_await sleep(3s);
    ++step;
    co_await sleep_until(never);
  };
  int step = 0;
  auto handle = detail::spawn_in(loop, loop.scope(), wait, std::ref(step));

  const std::string text = stuck_text(loop);

  REQUIRE(step == 1);
  REQUIRE_THAT(text, ContainsSubstring("stuck at 1003.000000000 s"));
  REQUIRE_THAT(text, ContainsSubstring("seed 42"));
  REQUIRE_THAT(text, ContainsSubstring("1 task\n"));
  REQUIRE_THAT(text, ContainsSubstring("sim_time_test.cpp"));
}

TEST_CASE("a loop with nothing but an idle listener is stuck", "[backend][sim][not-epoll]") {
  event_loop loop(make_sim_backend());
  const listening server(loop);

  REQUIRE_THAT(stuck_text(loop), ContainsSubstring("stuck"));
}

TEST_CASE("time stands still while a call runs on another thread", "[backend][sim][not-epoll]") {
  event_loop loop(make_sim_backend(sim_options().set_patience(1h)));
  noting_timer timer(loop);
  loop.arm(timer, simulation_start + 1ns);
  time_point ended_at;
  bool ended = false;
  loop.io().begin_external();
  std::thread call([&] {
    loop.post([&] {
      ended_at = loop.now();
      ended = true;
      loop.io().end_external();
    });
  });
  const scope_exit join([&] { call.join(); });

  loop.run_until([&] { return ended; });
  REQUIRE(ended_at == simulation_start);

  loop.run_until([&] { return timer.fired_at != time_point::min(); });
  REQUIRE(timer.fired_at == simulation_start + 1ns);
}

TEST_CASE("time goes on when a call on another thread waits for it", "[backend][sim][not-epoll]") {
  event_loop loop(make_sim_backend(sim_options().set_patience(1ms)));
  std::promise<void> release;
  bool ended = false;
  loop.io().begin_external();
  std::thread call([&, released = release.get_future()]() mutable {
    released.wait();
    loop.post([&] {
      ended = true;
      loop.io().end_external();
    });
  });
  const scope_exit join([&] { call.join(); });
  noting_timer first(loop), second(loop);
  loop.arm(first, simulation_start + 1h);
  loop.arm(second, simulation_start + 2h);

  loop.run_until([&] { return second.fired_at != time_point::min(); });
  REQUIRE(first.fired_at == simulation_start + 1h);
  REQUIRE(second.fired_at == simulation_start + 2h);
  REQUIRE_FALSE(ended);

  release.set_value();
  loop.run_until([&] { return ended; });  // no deadline is left: it waits, and is not stuck
  REQUIRE(loop.now() == simulation_start + 2h);
}

TEST_CASE("a real network has no simulation to ask", "[backend][sim][not-sim]") {
  event_loop loop(make_backend());

  REQUIRE_THROWS_AS(simulation::of(loop), std::logic_error);
}

}  // namespace sim_time_test
