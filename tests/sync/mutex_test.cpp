#include <cetane/sync/mutex.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <support/gate.hpp>
#include <sync/sync_fixture.hpp>

#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

namespace mutex_test {

using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::MessageMatches;
using cetane::mutex;
using cetane::mutex_lock;
using cetane::task;
using cetane::yield;
using cetane::test::gate;
using cetane::test::notes;
using cetane::test::run_ready;
using cetane::test::test_loop;

namespace {

// Holds the lock while it waits at the gate: "a(" and ")a" in the notes.
task<> hold(mutex& m, notes& in, char name, gate& until) {
  const mutex_lock lock = co_await m.lock();
  in += name;
  in += '(';
  co_await until.wait();
  in += ')';
}

}  // namespace

TEST_CASE("one task at a time has the lock, first come, first served", "[sync][mutex]") {
  mutex m;
  gate next;
  notes order;
  test_loop loop;
  for (const char name : {'a', 'b', 'c'}) {
    (void)loop.spawn(hold, std::ref(m), std::ref(order), name, std::ref(next));
  }
  for (int turn = 0; turn < 3; ++turn) {
    run_ready(loop);
    REQUIRE(next.waiting() == 1);
    next.open();
  }
  run_ready(loop);

  REQUIRE(order == "a()b()c()");
  REQUIRE_FALSE(m.locked());
}

TEST_CASE("a free lock is had without suspending", "[sync][mutex]") {
  mutex m;
  test_loop loop;
  loop.run([&]() -> task<> {
    const auto before = loop.loop().stats().resumes;
    for (int i = 0; i < 10; ++i) {
      const mutex_lock lock = co_await m.lock();
      CHECK(m.locked());
      CHECK(static_cast<bool>(lock));
    }
    CHECK(loop.loop().stats().resumes == before);
  });
  REQUIRE_FALSE(m.locked());
}

TEST_CASE("who releases a lock and wants it again does not overtake the line", "[sync][mutex]") {
  mutex m;
  notes order;
  test_loop loop;
  const auto again_and_again = [&](char name) -> task<> {
    for (int i = 0; i < 3; ++i) {
      const mutex_lock lock = co_await m.lock();
      order += name;
      co_await yield();
    }
  };
  (void)loop.spawn(again_and_again, 'a');
  (void)loop.spawn(again_and_again, 'b');
  run_ready(loop);

  REQUIRE(order == "ababab");
}

TEST_CASE("a newcomer does not get a lock that is promised to a woken task", "[sync][mutex]") {
  mutex m;
  gate next;
  notes order;
  test_loop loop;
  (void)loop.spawn(hold, std::ref(m), std::ref(order), 'a', std::ref(next));
  (void)loop.spawn(hold, std::ref(m), std::ref(order), 'b', std::ref(next));
  run_ready(loop);
  const auto taking = [&]() -> task<> {
    next.open();       // a is ready
    co_await yield();  // a has released; b is ready and has not run
    CHECK_FALSE(m.try_lock());
  };
  loop.run(taking);
  next.open();
  run_ready(loop);

  REQUIRE(order == "a()b()");
}

TEST_CASE("a cancelled wait for a lock leaves the line, and the next one gets it",
          "[sync][mutex]") {
  mutex m;
  gate next;
  notes order;
  test_loop loop;
  (void)loop.spawn(hold, std::ref(m), std::ref(order), 'a', std::ref(next));
  auto second = loop.spawn(hold, std::ref(m), std::ref(order), 'b', std::ref(next));
  (void)loop.spawn(hold, std::ref(m), std::ref(order), 'c', std::ref(next));
  run_ready(loop);

  second.cancel();
  run_ready(loop);
  REQUIRE(second.done());
  next.open();
  run_ready(loop);
  next.open();
  run_ready(loop);

  REQUIRE(order == "a()c()");
}

TEST_CASE("a task that is cancelled when the lock was handed to it releases it", "[sync][mutex]") {
  mutex m;
  notes order;
  test_loop loop;
  gate next;
  const auto holder = [&]() -> task<> {
    const mutex_lock lock = co_await m.lock();
    co_await next.wait();
  };
  (void)loop.spawn(holder);
  auto second = loop.spawn(holder);
  (void)loop.spawn(hold, std::ref(m), std::ref(order), 'c', std::ref(next));
  run_ready(loop);
  next.open();
  loop.run([&]() -> task<> {
    co_await yield();  // now the second one is ready, with the lock
    second.cancel();
  });
  run_ready(loop);
  next.open();
  run_ready(loop);

  REQUIRE(order == "c()");
  REQUIRE_FALSE(m.locked());
}

TEST_CASE("a task that locks a mutex which it holds is told so, and holds it still",
          "[sync][mutex]") {
  mutex m;
  test_loop loop;
  loop.run([&]() -> task<> {
    const mutex_lock lock = co_await m.lock();
    CHECK_FALSE(m.try_lock());
    std::optional<std::string> told;
    try {
      (void)co_await m.lock();
    } catch (const std::logic_error& e) {
      told = e.what();
    }
    REQUIRE(told);
    CHECK_THAT(*told, ContainsSubstring("would wait for itself"));
    CHECK(m.locked());
  });
  REQUIRE_FALSE(m.locked());
}

TEST_CASE("a lock is unlocked once, by the task that has locked", "[sync][mutex]") {
  mutex m;
  test_loop loop;
  loop.run([&]() -> task<> {
    mutex_lock lock = co_await m.lock();
    const auto other = [](mutex_lock& foreign) -> task<> {
      CHECK_THROWS_MATCHES(foreign.unlock(), std::logic_error,
                           MessageMatches(ContainsSubstring("another task")));
      co_return;
    };
    auto asked = cetane::spawn(other, std::ref(lock));
    co_await asked;
    CHECK(m.locked());
    lock.unlock();
    CHECK_FALSE(m.locked());
    CHECK_THROWS_AS(lock.unlock(), std::logic_error);
  });
}

TEST_CASE("the dump says who holds the lock that others wait for", "[sync][mutex]") {
  mutex m;
  gate next;
  notes order;
  test_loop loop;
  (void)loop.spawn(hold, std::ref(m), std::ref(order), 'a', std::ref(next)).label("worker 3");
  (void)loop.spawn(hold, std::ref(m), std::ref(order), 'b', std::ref(next));
  run_ready(loop);

  CHECK_THAT(loop.loop().dump_tasks(), ContainsSubstring("mutex, held by worker 3"));
}

TEST_CASE("a loop that ends with tasks in line for a lock leaves the lock free", "[sync][mutex]") {
  mutex m;
  gate next;
  notes order;
  {
    test_loop loop;
    for (const char name : {'a', 'b', 'c'}) {
      (void)loop.spawn(hold, std::ref(m), std::ref(order), name, std::ref(next));
    }
    run_ready(loop);
    next.open();
    loop.loop().run_once(cetane::time_point::min());
  }
  REQUIRE_FALSE(m.locked());
}

TEST_CASE("a lock that another one is moved into is released at once", "[sync][mutex]") {
  mutex first;
  mutex second;
  test_loop loop;
  loop.run([&]() -> task<> {
    mutex_lock held = co_await first.lock();
    mutex_lock next = co_await second.lock();
    held = std::move(next);
    CHECK_FALSE(first.locked());
    CHECK(second.locked());
    CHECK_FALSE(next);
  });
  REQUIRE_FALSE(second.locked());
}

}  // namespace mutex_test
