// The end of a loop that still has tasks: their destructors run, all of them, from the innermost
// frame outwards.
#include <cetane/base/scope_exit.hpp>
#include <cetane/conc/first.hpp>
#include <cetane/conc/shielded.hpp>
#include <cetane/conc/sleep.hpp>
#include <cetane/conc/spawn.hpp>
#include <cetane/runtime/event_loop.hpp>
#include <cetane/runtime/this_task.hpp>
#include <cetane/sync/event.hpp>

#include <catch2/catch_test_macros.hpp>
#include <support/gate.hpp>
#include <support/test_loop.hpp>
#include <support/traced.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace teardown_test {

using namespace std::chrono_literals;
using cetane::cancel_scope;
using cetane::event_loop;
using cetane::join_handle;
using cetane::scope_exit;
using cetane::spawn;
using cetane::task;
using cetane::yield;
using cetane::detail::this_task;
using cetane::test::gate;
using cetane::test::ledger;
using cetane::test::test_loop;
using cetane::test::traced;

namespace {

task<> hold(traced, gate& door) { co_await door.wait(); }

task<> hold_and_join(traced, join_handle<>& other) { co_await other; }

}  // namespace

TEST_CASE("NEW-25: the end of a loop runs the destructors of all its tasks, whatever they wait for",
          "[runtime][teardown]") {
  ledger objects;
  gate door;
  join_handle<> waiting;
  {
    test_loop test;
    const auto sleeps = [](traced) -> task<> { co_await cetane::sleep(1h); };
    const auto yields = [](traced) -> task<> {
      for (;;) co_await yield();
    };
    waiting = test.spawn(hold, traced(objects, 1), std::ref(door));
    (void)test.spawn(sleeps, traced(objects, 2));
    (void)test.spawn(yields, traced(objects, 3));
    (void)test.spawn(hold_and_join, traced(objects, 4), std::ref(waiting));
    test.loop().run_once(cetane::time_point::min());
    (void)test.spawn(hold, traced(objects, 5), std::ref(door));  // does not even begin
    CHECK(objects.alive >= 5);
  }
  CHECK(objects.alive == 0);
  CHECK(objects.wrong == 0);
  CHECK(door.waiting() == 0);
  CHECK(waiting.done());
}

TEST_CASE("of a loop's tasks the last that came is destroyed first", "[runtime][teardown]") {
  ledger objects;
  gate door;
  {
    test_loop test;
    for (int n = 1; n <= 4; ++n) (void)test.spawn(hold, traced(objects, n), std::ref(door));
    test.loop().run_until([&] { return door.waiting() == 4; });
    objects.destroyed.clear();
  }
  CHECK(objects.destroyed == std::vector{4, 3, 2, 1});
}

TEST_CASE("tasks in a scope are destroyed before the frame that holds the scope",
          "[runtime][teardown]") {
  ledger objects;
  gate door;
  {
    test_loop test;
    const auto parent = [&](traced) -> task<> {
      cancel_scope group(&test.loop().scope());
      group.enter(this_task("test"));
      const scope_exit leave([&] { group.leave(this_task("test")); });
      for (int n = 1; n <= 3; ++n) (void)spawn(hold, traced(objects, n), std::ref(door));
      co_await door.wait();
    };
    (void)test.spawn(parent, traced(objects, 9));
    test.loop().run_until([&] { return door.waiting() == 4; });
    objects.destroyed.clear();
  }
  CHECK(objects.alive == 0);
  CHECK(objects.wrong == 0);
  CHECK(objects.destroyed.back() == 9);
}

TEST_CASE("destructors that run at the end may spawn and post, and that ends too",
          "[runtime][teardown]") {
  ledger objects;
  gate door;
  std::string seen;
  {
    test_loop test;
    event_loop& loop = test.loop();
    const auto late = [&](traced) -> task<> {
      seen += "never ";
      co_return;
    };
    const auto body = [&]() -> task<> {
      const scope_exit at_end([&] {
        (void)spawn(late, traced(objects, 1));
        const auto held = std::make_shared<traced>(objects, 2);
        loop.post([held] {});
        seen += "end ";
      });
      co_await door.wait();
    };
    (void)test.spawn(body);
    loop.run_until([&] { return door.waiting() == 1; });
    loop.post([&, held = std::make_shared<traced>(objects, 3)] { seen += "never "; });
  }
  CHECK(seen == "end ");
  CHECK(objects.alive == 0);
  CHECK(objects.wrong == 0);
}

TEST_CASE("30,000 tasks are destroyed in no more than linear time", "[runtime][teardown]") {
  ledger objects;
  gate door;
  {
    test_loop test;
    for (int n = 0; n < 30'000; ++n) (void)test.spawn(hold, traced(objects, n), std::ref(door));
    test.loop().run_until([&] { return door.waiting() == 30'000; });
  }
  CHECK(objects.alive == 0);
  CHECK(objects.wrong == 0);
}

TEST_CASE("a handle outlives its loop", "[runtime][teardown]") {
  join_handle<> handle;
  gate door;
  ledger objects;
  {
    test_loop test;
    handle = test.spawn(hold, traced(objects, 1), std::ref(door));
    test.loop().run_until([&] { return door.waiting() == 1; });
  }
  CHECK(handle.done());
  handle.cancel();
  CHECK(objects.alive == 0);
  handle = join_handle<>();
}

TEST_CASE("tasks wake each other's joiners while they are destroyed, and nobody runs",
          "[runtime][teardown]") {
  ledger objects;
  gate door;
  std::string seen;
  {
    test_loop test;
    std::vector<join_handle<>> chain;
    chain.push_back(test.spawn(hold, traced(objects, 0), std::ref(door)));
    const auto joins = [&](traced, std::size_t which) -> task<> {
      co_await chain[which];
      seen += "never ";
    };
    for (std::size_t n = 0; n < 10; ++n) {
      chain.push_back(test.spawn(joins, traced(objects, static_cast<int>(n) + 1), n));
    }
    test.loop().run_once(cetane::time_point::min());
    chain.clear();
  }
  CHECK(seen.empty());
  CHECK(objects.alive == 0);
  CHECK(objects.wrong == 0);
}

TEST_CASE("a task whose joiner was woken by another arm ends after it without a trace",
          "[runtime][teardown]") {
  join_handle<> joined;
  cetane::event other;
  {
    test_loop test;
    gate door;
    const auto wait = [&]() -> task<> { co_await door.wait(); };
    const auto join_or_go_on = [&]() -> task<> { co_await cetane::first(joined, other.wait()); };
    joined = test.spawn(wait);
    (void)test.spawn(join_or_go_on);
    test.loop().run_once(cetane::time_point::min());
    other.set();  // the joiner is ready, and is destroyed instead of resumed
  }
  CHECK(joined.done());
}

TEST_CASE("a loop goes on after it has ended a task that waited for its children",
          "[runtime][teardown]") {
  test_loop test;
  cancel_scope scope(&test.loop().scope());
  const auto child = []() -> task<> { co_await cetane::shielded(1h, cetane::sleep(1h)); };
  const auto parent = [&]() -> task<> {
    (void)cetane::fork_child(child);
    co_return;
  };
  auto ended = cetane::detail::spawn_in(test.loop(), scope, parent);
  test.loop().run_once(cetane::time_point::min());
  REQUIRE_FALSE(ended.done());

  test.loop().end_tasks(scope);
  CHECK(ended.done());
  test.run([]() -> task<> { co_await yield(); });
  CHECK(test.loop().stats().tasks_alive == 0);
}

TEST_CASE("what a task waits for may be in a frame that goes before it", "[runtime][teardown]") {
  cetane::event* lent = nullptr;
  cetane::event never_set;
  ledger objects;
  {
    test_loop test;
    const auto wait_for_lent = [&](traced) -> task<> {
      co_await yield();
      co_await lent->wait();
    };
    const auto lend = [&](traced) -> task<> {
      cetane::event own;
      lent = &own;
      co_await never_set.wait();
    };
    (void)test.spawn(wait_for_lent, traced(objects, 1));
    (void)test.spawn(lend, traced(objects, 2));
    test.loop().run_once(cetane::time_point::min());
  }
  CHECK(objects.alive == 0);
}

namespace {

// Notes when it is made and when it ends.
class noting_part final : public cetane::detail::loop_part {
 public:
  explicit noting_part(event_loop& of) : loop(of) {}
  ~noting_part() override {
    if (notes != nullptr) notes->push_back("part");
  }
  event_loop& loop;
  std::vector<std::string>* notes = nullptr;
};

class other_part final : public cetane::detail::loop_part {
 public:
  explicit other_part(event_loop&) {}
};

}  // namespace

TEST_CASE("a loop keeps one part of each kind, which ends after the tasks", "[runtime][teardown]") {
  std::vector<std::string> notes;
  const auto use_part = [&]() -> task<> {
    const scope_exit note([&] {
      notes.push_back("task");
      event_loop::current()->part<noting_part>().notes = &notes;
    });
    co_await cetane::sleep(1h);
  };
  {
    test_loop test;
    test_loop another;
    noting_part& part = test.loop().part<noting_part>();
    CHECK(&part.loop == &test.loop());
    CHECK(&test.loop().part<noting_part>() == &part);
    CHECK(&another.loop().part<noting_part>() != &part);
    test.loop().part<other_part>();
    CHECK(&test.loop().part<noting_part>() == &part);
    (void)test.spawn(use_part);
    test.loop().run_once(cetane::time_point::min());
  }
  CHECK(notes == std::vector<std::string>{"task", "part"});
}

}  // namespace teardown_test
