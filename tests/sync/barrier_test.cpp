#include <cetane/conc/timeout.hpp>
#include <cetane/sync/barrier.hpp>

#include <catch2/catch_test_macros.hpp>
#include <sync/sync_fixture.hpp>

#include <chrono>
#include <stdexcept>

namespace barrier_test {

using cetane::barrier;
using cetane::task;
using cetane::test::notes;
using cetane::test::run_ready;
using cetane::test::test_loop;

namespace {

task<> step(barrier& at, notes& in, char name, int steps) {
  for (int i = 0; i < steps; ++i) {
    in += name;
    co_await at.arrive_and_wait();
  }
}

}  // namespace

TEST_CASE("nobody passes a barrier before all have come, again and again", "[sync][barrier]") {
  barrier meeting(3);
  notes order;
  test_loop loop;
  for (const char name : {'a', 'b', 'c'}) {
    (void)loop.spawn(step, std::ref(meeting), std::ref(order), name, 3);
  }
  run_ready(loop);

  REQUIRE(order.size() == 9);
  for (std::size_t round = 0; round < 3; ++round) {
    const notes names = order.substr(round * 3, 3);
    for (const char name : {'a', 'b', 'c'}) CHECK(names.find(name) != names.npos);
  }
  REQUIRE(loop.loop().stats().tasks_alive == 0);
  REQUIRE(meeting.waiting() == 0);
}

TEST_CASE("who is cancelled at a barrier has not come", "[sync][barrier]") {
  barrier meeting(2);
  notes order;
  test_loop loop;
  auto first = loop.spawn(step, std::ref(meeting), std::ref(order), 'a', 1);
  run_ready(loop);
  REQUIRE(meeting.waiting() == 1);

  first.cancel();
  run_ready(loop);
  REQUIRE(meeting.waiting() == 0);
  auto second = loop.spawn(step, std::ref(meeting), std::ref(order), 'b', 1);
  run_ready(loop);
  REQUIRE_FALSE(second.done());
  (void)loop.spawn(step, std::ref(meeting), std::ref(order), 'c', 1);
  run_ready(loop);

  REQUIRE(second.done());
}

TEST_CASE("who comes to a barrier in time has come, who does not has not", "[sync][barrier]") {
  barrier meeting(2);
  test_loop loop;
  const auto come = [](barrier& at) -> task<bool> {
    co_return co_await cetane::move_on_after(std::chrono::seconds(1), at.arrive_and_wait());
  };

  CHECK_FALSE(loop.run(come, meeting));
  CHECK(meeting.waiting() == 0);
  auto other = loop.spawn(come, std::ref(meeting));
  CHECK(loop.run(come, meeting));
  run_ready(loop);
  CHECK(other.done());
}

TEST_CASE("a barrier for one task stops nobody, one for none is refused", "[sync][barrier]") {
  barrier alone(1);
  notes order;
  test_loop loop;
  (void)loop.spawn(step, std::ref(alone), std::ref(order), 'a', 300);
  run_ready(loop);
  REQUIRE(order.size() == 300);
  REQUIRE_THROWS_AS(barrier(0), std::invalid_argument);
}

}  // namespace barrier_test
