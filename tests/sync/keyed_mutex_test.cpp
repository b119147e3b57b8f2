#include <cetane/sync/keyed_mutex.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <support/gate.hpp>
#include <sync/sync_fixture.hpp>

#include <stdexcept>
#include <string>
#include <utility>

namespace keyed_mutex_test {

using Catch::Matchers::ContainsSubstring;
using cetane::keyed_lock;
using cetane::keyed_mutex;
using cetane::task;
using cetane::test::gate;
using cetane::test::notes;
using cetane::test::run_ready;
using cetane::test::test_loop;

namespace {

task<> hold(keyed_mutex& locks, std::string key, notes& in, char name, gate& until) {
  const keyed_lock lock = co_await locks.lock(key);
  in += name;
  co_await until.wait();
}

}  // namespace

TEST_CASE("tasks with the same key go one at a time, others beside them", "[sync][keyed_mutex]") {
  keyed_mutex locks;
  gate next;
  notes order;
  test_loop loop;
  const auto add = [&](const char* key, char name) {
    return loop.spawn(hold, std::ref(locks), std::string(key), std::ref(order), name,
                      std::ref(next));
  };
  (void)add("x", 'a');
  (void)add("x", 'b');
  (void)add("y", 'c');
  run_ready(loop);
  REQUIRE(order == "ac");
  REQUIRE(locks.size() == 2);
  CHECK_THAT(loop.loop().dump_tasks(), ContainsSubstring("key \"x\": mutex, held by"));
  next.open();
  run_ready(loop);
  REQUIRE(order == "acb");
  REQUIRE(locks.size() == 1);
}

TEST_CASE("NEW-29, W24: keys that nobody holds or waits for leave nothing behind",
          "[sync][keyed_mutex]") {
  keyed_mutex locks;
  gate next;
  notes order;
  test_loop loop;
  loop.run([&]() -> task<> {
    for (int i = 0; i < 1000; ++i) {
      const keyed_lock lock = co_await locks.lock(std::to_string(i));
      CHECK(locks.size() == 1);
    }
  });
  REQUIRE(locks.size() == 0);

  { (void)locks.lock("never awaited"); }
  REQUIRE(locks.size() == 0);

  (void)loop.spawn(hold, std::ref(locks), std::string("x"), std::ref(order), 'a', std::ref(next));
  auto second =
      loop.spawn(hold, std::ref(locks), std::string("x"), std::ref(order), 'b', std::ref(next));
  run_ready(loop);
  second.cancel();
  next.open();
  run_ready(loop);
  REQUIRE(order == "a");
  REQUIRE(locks.size() == 0);
}

TEST_CASE("a task that locks a key which it holds is told so", "[sync][keyed_mutex]") {
  keyed_mutex locks;
  test_loop loop;
  REQUIRE_THROWS_AS(loop.run([&]() -> task<> {
    const keyed_lock lock = co_await locks.lock("x");
    const keyed_lock other = co_await locks.lock("y");
    const keyed_lock again = co_await locks.lock("x");
  }),
                    std::logic_error);
  REQUIRE(locks.size() == 0);
}

TEST_CASE("the lock of a key that another one is moved into is released at once",
          "[sync][keyed_mutex]") {
  keyed_mutex locks;
  test_loop loop;
  loop.run([&]() -> task<> {
    keyed_lock held = co_await locks.lock("x");
    keyed_lock next = co_await locks.lock("y");
    held = std::move(next);
    CHECK(locks.size() == 1);
  });
  REQUIRE(locks.size() == 0);
}

}  // namespace keyed_mutex_test
