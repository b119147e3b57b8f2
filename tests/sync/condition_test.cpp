#include <cetane/sync/condition.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <sync/sync_fixture.hpp>

#include <stdexcept>

namespace condition_test {

using Catch::Matchers::ContainsSubstring;
using cetane::condition;
using cetane::mutex;
using cetane::mutex_lock;
using cetane::task;
using cetane::yield;
using cetane::test::notes;
using cetane::test::run_ready;
using cetane::test::test_loop;

namespace {

struct shared {
  mutex m;
  condition changed;
  int items = 0;
  notes order;
};

task<> take_one(shared& s, char name) {
  mutex_lock lock = co_await s.m.lock();
  while (s.items == 0) {
    try {
      co_await s.changed.wait(lock);
    } catch (const cetane::cancelled&) {
      CHECK(s.m.locked());
      s.order += static_cast<char>(name - 'a' + 'A');
      throw;
    }
    CHECK(s.m.locked());
  }
  --s.items;
  s.order += name;
}

}  // namespace

TEST_CASE("whoever is notified has the lock again, first come, first served", "[sync][condition]") {
  shared s;
  test_loop loop;
  for (const char name : {'a', 'b', 'c'}) (void)loop.spawn(take_one, std::ref(s), name);
  run_ready(loop);
  REQUIRE_FALSE(s.m.locked());

  s.items = 2;
  s.changed.notify_one();
  run_ready(loop);
  REQUIRE(s.order == "a");
  s.changed.notify_all();
  run_ready(loop);
  REQUIRE(s.order == "ab");
  s.items = 1;
  s.changed.notify_all();
  s.changed.notify_all();
  run_ready(loop);

  REQUIRE(s.order == "abc");
  REQUIRE_FALSE(s.m.locked());
}

TEST_CASE("a cancelled wait for a condition throws when it has the lock again",
          "[sync][condition]") {
  shared s;
  test_loop loop;
  auto waiting = loop.spawn(take_one, std::ref(s), 'a');
  run_ready(loop);
  loop.run([&]() -> task<> {
    mutex_lock lock = co_await s.m.lock();
    waiting.cancel();
    co_await yield();
    co_await yield();
    CHECK(s.order.empty());
    CHECK_THAT(loop.loop().dump_tasks(), ContainsSubstring("mutex, held by"));
  });
  run_ready(loop);

  REQUIRE(s.order == "A");
  REQUIRE_FALSE(s.m.locked());
}

TEST_CASE("a wait that is cancelled after it was notified has happened", "[sync][condition]") {
  shared s;
  test_loop loop;
  auto waiting = loop.spawn(take_one, std::ref(s), 'a');
  run_ready(loop);
  s.items = 1;
  loop.run([&]() -> task<> {
    mutex_lock lock = co_await s.m.lock();
    s.changed.notify_one();
    waiting.cancel();
    co_await yield();
  });
  run_ready(loop);

  REQUIRE(s.order == "a");
}

TEST_CASE("a wait without the lock is refused", "[sync][condition]") {
  shared s;
  test_loop loop;
  REQUIRE_THROWS_AS(loop.run([&]() -> task<> {
    mutex_lock lock = co_await s.m.lock();
    lock.unlock();
    co_await s.changed.wait(lock);
  }),
                    std::logic_error);
}

TEST_CASE("a loop that ends destroys those who wait for a condition", "[sync][condition]") {
  shared s;
  {
    test_loop loop;
    for (const char name : {'a', 'b', 'c'}) (void)loop.spawn(take_one, std::ref(s), name);
    run_ready(loop);
    s.changed.notify_one();
  }
  REQUIRE_FALSE(s.m.locked());
}

TEST_CASE("a wait that is awaited again can be cancelled again", "[sync][condition]") {
  shared s;
  bool again = false;
  test_loop loop;
  const auto wait_twice = [&]() -> task<> {
    mutex_lock lock = co_await s.m.lock();
    auto changed = s.changed.wait(lock);
    co_await changed;
    again = true;
    co_await changed;
  };
  auto waiting = loop.spawn(wait_twice);
  run_ready(loop);
  s.changed.notify_one();
  run_ready(loop);
  REQUIRE(again);
  REQUIRE_FALSE(waiting.done());

  waiting.cancel();
  run_ready(loop);
  REQUIRE(waiting.done());
  REQUIRE_FALSE(s.m.locked());
}

}  // namespace condition_test
