#include <cetane/conc/join_handle.hpp>

#include <cetane/conc/sleep.hpp>
#include <cetane/conc/spawn.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>
#include <support/gate.hpp>
#include <support/test_loop.hpp>
#include <support/traced.hpp>

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace join_handle_test {

using Catch::Matchers::Message;
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
task<int> five_later() {
  co_await yield();
  co_return 5;
}
task<> fail() {
  co_await yield();
  throw std::runtime_error("failed");
}
task<> wait_at(gate& door) { co_await door.wait(); }

std::string message_of(auto&& call) {
  try {
    call();
  } catch (const std::logic_error& e) {
    return e.what();
  }
  return "no exception";
}

task<std::string> message_of_join(auto& handle) {
  try {
    co_await handle;
  } catch (const std::logic_error& e) {
    co_return e.what();
  }
  co_return "no exception";
}

}  // namespace

TEST_CASE("joining gives the result, before the task's end and after it", "[conc][join]") {
  test_loop loop;
  loop.run([]() -> task<> {
    auto running = spawn(five_later);
    const int waited_for = co_await running;
    CHECK(waited_for == 5);

    auto ended = spawn(five);
    co_await yield();
    CHECK(ended.done());
    const int there = co_await ended;
    CHECK(there == 5);
  });
}

TEST_CASE("joining throws what ended the task", "[conc][join]") {
  test_loop loop;
  const auto joins = []() -> task<> {
    auto handle = spawn(fail);
    co_await handle;
  };
  REQUIRE_THROWS_MATCHES(loop.run(joins), std::runtime_error, Message("failed"));
}

TEST_CASE("a result of any kind can be joined for", "[conc][join]") {
  test_loop loop;
  ledger objects;
  loop.run([&]() -> task<> {
    int number = 1;
    const auto reference = [&]() -> task<int&> { co_return number; };
    const auto unique = []() -> task<std::unique_ptr<int>> { co_return std::make_unique<int>(3); };
    const auto object = [&]() -> task<traced> { co_return traced(objects, 4); };
    auto joined_reference = spawn(reference);
    int& same = co_await joined_reference;
    CHECK(&same == &number);
    auto joined_unique = spawn(unique);
    const std::unique_ptr<int> owned = co_await joined_unique;
    CHECK(*owned == 3);
    auto joined_object = spawn(object);
    const traced held = co_await joined_object;
    CHECK(held.number() == 4);
    auto dropped = spawn(object);
    co_await yield();
  });
  REQUIRE(objects.alive == 0);
  REQUIRE(objects.wrong == 0);
}

TEST_CASE("a result is given once", "[conc][join]") {
  test_loop loop;
  loop.run([]() -> task<> {
    auto handle = spawn(five);
    co_await handle;
    const std::string message = co_await message_of_join(handle);
    CHECK(message == "a task's result is taken twice");
  });
}

TEST_CASE("a task that is joined refuses a second joiner, and the first is served",
          "[conc][join]") {
  test_loop loop;
  loop.run([]() -> task<> {
    gate door;
    auto joined = spawn(wait_at, std::ref(door));
    bool served = false;
    const auto first = [&]() -> task<> {
      co_await joined;
      served = true;
    };
    auto joiner = spawn(first);
    co_await yield();
    const std::string message = co_await message_of_join(joined);
    CHECK(message == "a task is joined by two at once");
    door.open();
    co_await joiner;
    CHECK(served);
  });
}

TEST_CASE("a task that joins itself is told so", "[conc][join]") {
  test_loop loop;
  loop.run([]() -> task<> {
    join_handle<> self;
    std::string message;
    const auto narcissus = [&]() -> task<> { message = co_await message_of_join(self); };
    self = spawn(narcissus);
    while (!self.done()) co_await yield();
    CHECK(message == "a task joins itself: it would wait for ever");
  });
}

TEST_CASE("an empty handle says that it is empty", "[conc][join]") {
  const std::string empty = "this join_handle has no task: it is empty or was moved from";
  test_loop loop;
  join_handle<int> handle = loop.spawn(five);
  join_handle<int> moved = std::move(handle);
  const join_handle<> none;
  CHECK(message_of([&] { (void)handle.done(); }) ==
        empty);  // NOLINT: what a moved-from handle does
  CHECK(message_of([&] { handle.cancel(); }) == empty);
  CHECK(message_of([&] { (void)none.done(); }) == empty);
  CHECK_FALSE(moved.done());
}

TEST_CASE("a handle that is given another task lets go of the first", "[conc][join]") {
  test_loop loop;
  ledger objects;
  const auto give = [&](int number) -> task<traced> { co_return traced(objects, number); };
  join_handle<traced> handle = loop.spawn(give, 1);
  join_handle<traced> other = loop.spawn(give, 2);
  loop.loop().run_until([&] { return handle.done() && other.done(); });
  objects.destroyed.clear();

  handle = std::move(other);

  CHECK(objects.destroyed == std::vector{1});
  CHECK(handle.done());
  handle = join_handle<traced>();
  CHECK(objects.alive == 0);
  CHECK(objects.wrong == 0);
}

TEST_CASE("the handle may be moved or dropped while it is awaited", "[conc][join]") {
  test_loop loop;
  loop.run([]() -> task<> {
    gate door;
    std::vector<join_handle<int>> handles;
    const auto waits = [&]() -> task<int> {
      co_await door.wait();
      co_return 5;
    };
    int got = 0;
    const auto joins = [&]() -> task<> { got = co_await handles.front(); };
    handles.push_back(spawn(waits));
    auto joiner = spawn(joins);
    co_await yield();
    handles.reserve(handles.capacity() + 100);
    handles.clear();
    door.open();
    co_await joiner;
    CHECK(got == 5);
  });
}

TEST_CASE("a joiner that is cancelled stops waiting, and the task can be joined again",
          "[conc][join]") {
  test_loop loop;
  loop.run([]() -> task<> {
    gate door;
    auto joined = spawn(wait_at, std::ref(door));
    const auto joins = [&]() -> task<> { co_await joined; };
    auto joiner = spawn(joins);
    co_await yield();
    joiner.cancel();
    co_await yield();
    CHECK(joiner.done());
    CHECK_FALSE(joined.done());
    door.open();
    co_await joined;
    CHECK(joined.done());
  });
}

TEST_CASE("joining tasks that have ended leaves others their turns", "[conc][join]") {
  test_loop loop;
  int others = 0;
  const auto other = [&]() -> task<> {
    ++others;
    co_return;
  };
  loop.run([&]() -> task<> {
    std::vector<join_handle<int>> ended;
    for (int i = 0; i < 1000; ++i) ended.push_back(spawn(five));
    co_await yield();
    (void)spawn(other);
    for (auto& each : ended) co_await each;
    CHECK(others == 1);
  });
}

TEST_CASE("tasks that end wake their joiners in the order of their ends", "[conc][join]") {
  test_loop loop;
  std::vector<int> served;
  loop.run([&]() -> task<> {
    gate first_door;
    gate second_door;
    auto first = spawn(wait_at, std::ref(first_door));
    auto second = spawn(wait_at, std::ref(second_door));
    const auto joins = [&](auto& handle, int number) -> task<> {
      co_await handle;
      served.push_back(number);
    };
    auto a = spawn(joins, std::ref(first), 1);
    auto b = spawn(joins, std::ref(second), 2);
    co_await yield();
    second_door.open();
    first_door.open();
    co_await a;
    co_await b;
  });
  REQUIRE(served == std::vector{2, 1});
}

}  // namespace join_handle_test
