// Cancelling a task, at each thing it can be doing.
#include <cetane/conc/sleep.hpp>
#include <cetane/conc/spawn.hpp>
#include <cetane/conc/thread.hpp>

#include <catch2/catch_test_macros.hpp>
#include <support/expect.hpp>
#include <support/gate.hpp>
#include <support/test_loop.hpp>
#include <support/traced.hpp>

#include <chrono>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace cancel_test {

using namespace std::chrono_literals;
using cetane::cancel_reason;
using cetane::cancelled;
using cetane::join_handle;
using cetane::spawn;
using cetane::task;
using cetane::yield;
using cetane::test::gate;
using cetane::test::ledger;
using cetane::test::test_loop;
using cetane::test::traced;

namespace {

task<int> five() { co_return 5; }

// Runs `awaits` to its end and gives the reason that it was cancelled for, or none.
task<> note_reason(std::function<task<>()> awaits, cancel_reason& reason) {
  try {
    co_await awaits();
  } catch (const cancelled& e) {
    reason = e.reason;
  }
}

// The reason that `awaits` ends with when it is cancelled while it waits.
cancel_reason reason_of(test_loop& loop, std::function<task<>()> awaits, cancel_reason why) {
  cancel_reason reason = cancel_reason::none;
  auto handle = loop.spawn(note_reason, std::move(awaits), std::ref(reason));
  loop.loop().run_once(cetane::time_point::min());
  CHECK_FALSE(handle.done());
  handle.cancel(why);
  loop.loop().run_once(cetane::time_point::min());
  CHECK(handle.done());
  return reason;
}

}  // namespace

TEST_CASE("a wait of any kind ends at once when its task is cancelled, and says why",
          "[conc][cancel]") {
  test_loop loop;
  gate door;
  auto other = loop.spawn([](gate& at) -> task<> { co_await at.wait(); }, std::ref(door));
  const std::pair<const char*, std::function<task<>()>> waits[] = {
      {"sleep", []() -> task<> { co_await cetane::sleep(1h); }},
      {"sleep for ever", []() -> task<> { co_await cetane::sleep_until(cetane::never); }},
      {"gate", [&]() -> task<> { co_await door.wait(); }},
      {"join", [&]() -> task<> { co_await other; }},
  };
  for (const auto& [name, wait] : waits) {
    CAPTURE(name);
    CHECK(reason_of(loop, wait, cancel_reason::user) == cancel_reason::user);
    CHECK(reason_of(loop, wait, cancel_reason::shutdown) == cancel_reason::shutdown);
    CHECK(door.waiting() == 1);
    CHECK(loop.loop().stats().timers_live == 0);
  }
  door.open();
  loop.loop().run_until([&] { return other.done(); });
}

TEST_CASE("a cancelled task has its turn after a yield, and then every await throws",
          "[conc][cancel]") {
  test_loop loop;
  std::string seen;
  const auto body = [&]() -> task<> {
    co_await yield();
    seen += "turn ";
    co_await yield();
    seen += "never ";
  };
  auto handle = loop.spawn(body);
  const auto canceller = [&]() -> task<> {
    handle.cancel();
    co_return;
  };
  (void)loop.spawn(canceller);

  loop.loop().run_until([&] { return handle.done(); });

  REQUIRE(seen == "turn ");
}

TEST_CASE("a task that is cancelled before it begins does begin, and its first await throws",
          "[conc][cancel]") {
  test_loop loop;
  std::string seen;
  const auto body = [&]() -> task<> {
    seen += "begun ";
    try {
      co_await yield();
      seen += "never ";
    } catch (const cancelled&) {
      seen += "cancelled ";
    }
  };
  auto handle = loop.spawn(body);
  handle.cancel();
  CHECK_FALSE(handle.done());

  loop.loop().run_until([&] { return handle.done(); });

  REQUIRE(seen == "begun cancelled ");
}

TEST_CASE("in a cancelled task every await throws, even one that need not wait", "[conc][cancel]") {
  test_loop loop;
  loop.run([]() -> task<> {
    gate door;
    ledger objects;
    int begun = 0;
    auto ended = spawn(five);
    const auto child = [&](traced) -> task<> {
      ++begun;
      co_return;
    };
    int thrown = 0;
    const auto body = [&]() -> task<> {
      // clang-format off
      try { co_await door.wait(); } catch (const cancelled&) { ++thrown; }
      try { co_await yield(); } catch (const cancelled&) { ++thrown; }
      try { co_await cetane::sleep(1h); } catch (const cancelled&) { ++thrown; }
      try { co_await ended; } catch (const cancelled&) { ++thrown; }
      try { co_await child(traced(objects, 1)); } catch (const cancelled&) { ++thrown; }
      // clang-format on
    };
    auto handle = spawn(body);
    co_await yield();
    CHECK(ended.done());
    handle.cancel();
    co_await handle;
    CHECK(thrown == 5);
    CHECK(begun == 0);
    CHECK(objects.alive == 0);
    CHECK(objects.wrong == 0);
  });
}

TEST_CASE("what was complete when the request came is delivered, and the next await throws",
          "[conc][cancel]") {
  test_loop loop;
  gate door;
  std::string seen;
  const auto body = [&]() -> task<> {
    co_await door.wait();
    seen += "delivered ";
    co_await yield();
    seen += "never ";
  };
  auto handle = loop.spawn(body);
  loop.loop().run_until([&] { return door.waiting() == 1; });

  door.open();
  handle.cancel();
  loop.loop().run_until([&] { return handle.done(); });

  REQUIRE(seen == "delivered ");
}

TEST_CASE("a joiner gets the result of a task that ended before the request", "[conc][cancel]") {
  test_loop loop;
  loop.run([]() -> task<> {
    gate door;
    const auto waits = [&]() -> task<int> {
      co_await door.wait();
      co_return 5;
    };
    auto joined = spawn(waits);
    int got = 0;
    const auto joins = [&]() -> task<> { got = co_await joined; };
    auto joiner = spawn(joins);
    co_await yield();
    door.open();
    while (!joined.done()) co_await yield();  // the joiner is ready, and behind this task
    if (got == 0) joiner.cancel();
    co_await yield();
    CHECK(joiner.done());
    CHECK(got == 5);
  });
}

TEST_CASE("the first reason stays", "[conc][cancel]") {
  test_loop loop;
  cancel_reason reason = cancel_reason::none;
  const std::function<task<>()> sleeps = []() -> task<> { co_await cetane::sleep(1h); };
  auto handle = loop.spawn(note_reason, sleeps, std::ref(reason));
  loop.loop().run_once(cetane::time_point::min());

  handle.cancel(cancel_reason::sibling);
  handle.cancel(cancel_reason::shutdown);
  loop.loop().scope().cancel(cancel_reason::parent);
  loop.loop().run_until([&] { return handle.done(); });

  REQUIRE(reason == cancel_reason::sibling);
}

TEST_CASE("cancelling a task that has ended does nothing", "[conc][cancel]") {
  test_loop loop;
  loop.run([]() -> task<> {
    auto handle = spawn(five);
    co_await yield();
    handle.cancel();
    const int got = co_await handle;
    CHECK(got == 5);
  });
}

TEST_CASE("a task may cancel itself", "[conc][cancel]") {
  test_loop loop;
  join_handle<> self;
  std::string seen;
  const auto body = [&]() -> task<> {
    self.cancel();
    seen += "goes on ";
    co_await yield();
    seen += "never ";
  };
  self = loop.spawn(body);
  loop.loop().run_until([&] { return self.done(); });
  REQUIRE(seen == "goes on ");
}

TEST_CASE("cancellation passes through all calls and destroys their locals", "[conc][cancel]") {
  test_loop loop;
  gate door;
  ledger objects;
  const std::function<task<>(int)> descend = [&](int levels) -> task<> {
    const traced local(objects, levels);
    if (levels == 0) co_return co_await door.wait();
    co_await descend(levels - 1);
  };
  auto handle = loop.spawn(descend, 100);
  loop.loop().run_until([&] { return door.waiting() == 1; });
  CHECK(objects.alive == 101);

  handle.cancel();
  loop.loop().run_until([&] { return handle.done(); });

  CHECK(objects.alive == 0);
  CHECK(objects.wrong == 0);
  CHECK(objects.destroyed.front() == 0);
  CHECK(objects.destroyed.back() == 100);
}

TEST_CASE("who joins a cancelled task gets cancelled, or what the task made of it",
          "[conc][cancel]") {
  test_loop loop;
  loop.run([]() -> task<> {
    const auto ends = []() -> task<int> {
      co_await cetane::sleep(1h);
      co_return 1;
    };
    const auto answers = []() -> task<int> {
      try {
        co_await cetane::sleep(1h);
      } catch (const cancelled&) {
      }
      co_return 2;
    };
    auto first = spawn(ends);
    auto second = spawn(answers);
    co_await yield();
    first.cancel();
    second.cancel();
    cancel_reason reason = cancel_reason::none;
    try {
      co_await first;
    } catch (const cancelled& e) {
      reason = e.reason;
    }
    CHECK(reason == cancel_reason::user);
    const int answer = co_await second;
    CHECK(answer == 2);
  });
}

TEST_CASE("cancelling a task leaves those that it has spawned alone", "[conc][cancel]") {
  test_loop loop;
  loop.run([]() -> task<> {
    gate door;
    join_handle<> child;
    const auto waits = [&]() -> task<> { co_await door.wait(); };
    const auto parent = [&]() -> task<> {
      child = spawn(waits);
      co_await door.wait();
    };
    auto handle = spawn(parent);
    while (door.waiting() < 2) co_await yield();
    handle.cancel();
    co_await yield();
    CHECK(handle.done());
    CHECK_FALSE(child.done());
    door.open();
    co_await child;
  });
}

TEST_CASE("another thread cancels a task through post()", "[conc][cancel][thread]") {
  test_loop loop;
  cetane::event_loop& of_task = loop.loop();
  std::string text;
  loop.run([&]() -> task<> {
    auto sleeping = spawn([]() -> task<> { co_await cetane::sleep_until(cetane::never); });
    co_await yield();
    // A call on the offload pool, so that simulated time waits for it.
    const bool posted = co_await cetane::thread(
        [&of_task, &sleeping] { return of_task.post([&sleeping] { sleeping.cancel(); }); });
    CHECK(posted);
    text = co_await cetane::test::thrown_by(sleeping);
  });
  CHECK(text == "cancelled: user");
  check_nothing_left(loop);
}

}  // namespace cancel_test
