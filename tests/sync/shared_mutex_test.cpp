#include <cetane/sync/shared_mutex.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <support/gate.hpp>
#include <sync/sync_fixture.hpp>

#include <stdexcept>
#include <utility>

namespace shared_mutex_test {

using Catch::Matchers::ContainsSubstring;
using cetane::shared_mutex;
using cetane::shared_mutex_lock;
using cetane::task;
using cetane::test::gate;
using cetane::test::notes;
using cetane::test::run_ready;
using cetane::test::test_loop;

namespace {

task<> read(shared_mutex& m, notes& in, char name, gate& until) {
  const shared_mutex_lock lock = co_await m.lock_shared();
  in += name;
  co_await until.wait();
}

task<> write(shared_mutex& m, notes& in, char name, gate& until) {
  const shared_mutex_lock lock = co_await m.lock();
  in += name;
  co_await until.wait();
}

}  // namespace

TEST_CASE("readers share, a writer is alone, and nobody overtakes", "[sync][shared_mutex]") {
  shared_mutex m;
  gate next;
  notes order;
  test_loop loop;
  const auto add = [&](auto fn, char name) {
    (void)loop.spawn(fn, std::ref(m), std::ref(order), name, std::ref(next));
  };
  add(read, 'a');
  add(read, 'b');
  add(write, 'C');
  add(read, 'd');
  add(read, 'e');
  add(write, 'F');

  run_ready(loop);
  REQUIRE(order == "ab");
  next.open();
  run_ready(loop);
  REQUIRE(order == "abC");
  next.open();
  run_ready(loop);
  REQUIRE(order == "abCde");
  next.open();
  run_ready(loop);
  REQUIRE(order == "abCdeF");
}

TEST_CASE("readers behind a writer who gives up join those who read", "[sync][shared_mutex]") {
  shared_mutex m;
  gate next;
  notes order;
  test_loop loop;
  (void)loop.spawn(read, std::ref(m), std::ref(order), 'a', std::ref(next));
  auto writer = loop.spawn(write, std::ref(m), std::ref(order), 'B', std::ref(next));
  (void)loop.spawn(read, std::ref(m), std::ref(order), 'c', std::ref(next)).label("reader");
  run_ready(loop);
  REQUIRE(order == "a");
  CHECK_THAT(loop.loop().dump_tasks(), ContainsSubstring("shared mutex, shared, held by"));

  writer.cancel();
  run_ready(loop);

  REQUIRE(order == "ac");
}

TEST_CASE("a task that would wait for its own shared lock is told so", "[sync][shared_mutex]") {
  shared_mutex m;
  gate next;
  notes order;
  test_loop loop;
  loop.run([&]() -> task<> {
    const shared_mutex_lock lock = co_await m.lock_shared();
    const shared_mutex_lock second = co_await m.lock_shared();  // nobody waits: no harm
    bool told = false;
    try {
      (void)co_await m.lock();
    } catch (const std::logic_error&) {
      told = true;
    }
    CHECK(told);
    auto writer = cetane::spawn(write, std::ref(m), std::ref(order), 'B', std::ref(next));
    co_await cetane::yield();
    told = false;
    try {
      (void)co_await m.lock_shared();
    } catch (const std::logic_error&) {
      told = true;
    }
    CHECK(told);
    writer.cancel();
  });
  run_ready(loop);
  REQUIRE(order.empty());
}

TEST_CASE("a lock that is moved is released once, by its last owner", "[sync][shared_mutex]") {
  shared_mutex m;
  gate next;
  notes order;
  test_loop loop;
  loop.run([&]() -> task<> {
    shared_mutex_lock lock = co_await m.lock();
    shared_mutex_lock moved = std::move(lock);
    CHECK_THROWS_AS(lock.unlock(), std::logic_error);
    auto reader = cetane::spawn(read, std::ref(m), std::ref(order), 'r', std::ref(next));
    co_await cetane::yield();
    CHECK(order.empty());
    moved.unlock();
    co_await cetane::yield();
    CHECK(order == "r");
    next.open();
    co_await reader;
  });
}

TEST_CASE("a shared mutex's lock that another one is moved into is released at once",
          "[sync][shared_mutex]") {
  shared_mutex first;
  shared_mutex second;
  gate never_opened;
  notes order;
  test_loop loop;
  loop.run([&]() -> task<> {
    shared_mutex_lock held = co_await first.lock();
    shared_mutex_lock next = co_await second.lock();
    held = std::move(next);
    CHECK(held);
    CHECK_FALSE(next);
    auto of_first =
        cetane::spawn(read, std::ref(first), std::ref(order), '1', std::ref(never_opened));
    auto of_second =
        cetane::spawn(read, std::ref(second), std::ref(order), '2', std::ref(never_opened));
    co_await cetane::yield();
    CHECK(order == "1");

    held = shared_mutex_lock(std::move(next));  // which has none
    CHECK_FALSE(held);
    co_await cetane::yield();
    CHECK(order == "12");
    of_first.cancel();
    of_second.cancel();
  });
}

}  // namespace shared_mutex_test
