// Who waits for whom, and the circles in it.
#include <cetane/conc/all.hpp>
#include <cetane/conc/first.hpp>
#include <cetane/conc/group.hpp>
#include <cetane/conc/sleep.hpp>
#include <cetane/conc/spawn.hpp>
#include <cetane/sync/barrier.hpp>
#include <cetane/sync/condition.hpp>
#include <cetane/sync/event.hpp>
#include <cetane/sync/keyed_mutex.hpp>
#include <cetane/sync/mutex.hpp>
#include <cetane/sync/queue.hpp>
#include <cetane/sync/semaphore.hpp>
#include <cetane/sync/shared_mutex.hpp>
#include <cetane/sync/worker_pool.hpp>

#include <catch2/catch_test_macros.hpp>
#include <support/gate.hpp>
#include <support/test_loop.hpp>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace await_graph_test {

using namespace cetane;
using namespace cetane::test;

namespace {

std::string without_folders(const std::string& text) {
  std::string plain;
  std::size_t begin = 0;
  for (std::size_t at = text.find(" at "); at != std::string::npos; at = text.find(" at ", begin)) {
    const std::size_t colon = text.find(".cpp:", at);
    if (colon == std::string::npos) break;
    plain.append(text, begin, at + 4 - begin);
    begin = text.find_last_of('/', colon) + 1;
  }
  return plain + text.substr(begin);
}

std::string at(unsigned line) { return " at await_graph_test.cpp:" + std::to_string(line); }

std::size_t occurrences(const std::string& text, std::string_view words) {
  std::size_t count = 0;
  for (std::size_t i = text.find(words); i != text.npos; i = text.find(words, i + 1)) ++count;
  return count;
}

void turn(test_loop& test) {
  for (int i = 0; i < 3; ++i) test.loop().run_once(time_point::min());
}

std::string graph_of(test_loop& test) {
  turn(test);
  return without_folders(test.loop().await_graph());
}

task<> lock_both(mutex& one, mutex& two, gate& door) {
  const mutex_lock first = co_await one.lock();
  co_await door.wait();
  const mutex_lock second = co_await two.lock();
}
constexpr unsigned line_of_lock = __LINE__ - 2;

task<> hold(mutex& m, gate& door) {
  const mutex_lock lock = co_await m.lock();
  co_await door.wait();
}
constexpr unsigned line_of_hold = __LINE__ - 2;

task<> wait_for(mutex& m) { const mutex_lock lock = co_await m.lock(); }
constexpr unsigned line_of_wait_for = __LINE__ - 1;

task<> wait_at(gate& door) { co_await door.wait(); }
constexpr unsigned line_of_wait_at = __LINE__ - 1;

}  // namespace

TEST_CASE("two tasks that hold what the other one waits for are told as a deadlock",
          "[sync][await_graph]") {
  gate door;
  mutex one, two;
  test_loop test;
  (void)test.spawn(lock_both, std::ref(one), std::ref(two), std::ref(door)).label("anna");
  (void)test.spawn(lock_both, std::ref(two), std::ref(one), std::ref(door)).label("bob");
  turn(test);
  door.open();

  const std::string circle = "deadlock: anna waits" + at(line_of_lock) +
                             " for the mutex that bob holds;\n          bob waits" +
                             at(line_of_lock) + " for the mutex that anna holds\n";
  const std::string told = graph_of(test);
  CHECK(told == circle + "  anna" + at(line_of_lock) + ": waits for the mutex that bob holds\n" +
                    "  bob" + at(line_of_lock) + ": waits for the mutex that anna holds\n");
  const std::string dump = without_folders(test.loop().dump_tasks());
  CHECK(dump.starts_with("2 tasks\n" + circle + "  anna, "));
}

TEST_CASE("a circle of many is told in its order, and who waits outside of it is no part",
          "[sync][await_graph]") {
  gate door;
  mutex locks[3];
  test_loop test;
  for (int i : {2, 0, 1}) {
    (void)test.spawn(lock_both, std::ref(locks[i]), std::ref(locks[(i + 1) % 3]), std::ref(door))
        .label(std::string("task ") + static_cast<char>('0' + i));
  }
  (void)test.spawn(wait_for, std::ref(locks[0])).label("victim");
  turn(test);
  door.open();
  turn(test);

  const std::string dump = without_folders(test.loop().dump_tasks());

  const std::string waits = " waits" + at(line_of_lock) + " for the mutex that task ";
  CHECK(dump.starts_with("4 tasks\ndeadlock: task 2" + waits + "0 holds;\n          task 0" +
                         waits + "1 holds;\n          task 1" + waits + "2 holds\n  "));
}

TEST_CASE("of a long circle, and of many, the beginning is told", "[sync][await_graph]") {
  constexpr int length = 12;
  constexpr int count = 7;
  gate door;
  mutex locks[count][length];
  test_loop test;
  for (auto& circle : locks) {
    for (int i = 0; i < length; ++i) {
      (void)test.spawn(lock_both, std::ref(circle[i]), std::ref(circle[(i + 1) % length]),
                       std::ref(door));
    }
  }
  turn(test);
  turn(test);
  door.open();
  turn(test);

  const std::string told = test.loop().await_graph(1);

  CHECK(occurrences(told, "deadlock: ") == 5);
  CHECK(occurrences(told, " waits at ") == 5 * 10);
  CHECK(told.find("          ... and 2 more, up to await_graph_test::lock_both #1\n") != told.npos);
  CHECK(told.find("\n... and 2 more deadlocks\n") != told.npos);
}

TEST_CASE("tasks that wait for one that can go on are no deadlock", "[sync][await_graph]") {
  gate door;
  mutex m;
  test_loop test;
  (void)test.spawn(hold, std::ref(m), std::ref(door)).label("holder");
  for (int i = 0; i < 40; ++i) (void)test.spawn(wait_for, std::ref(m)).label("waiter");

  const std::string told = graph_of(test);

  CHECK(told == "  waiter #1 and 39 more like it," + at(line_of_wait_for) +
                    ": waits for the mutex that holder holds\n  holder" + at(line_of_hold) +
                    ": gate\n");
}

TEST_CASE("a lock whose task has ended is told as such", "[sync][await_graph]") {
  mutex m;
  std::optional<mutex_lock> kept;
  test_loop test;
  test.run([&]() -> task<> { kept = co_await m.lock(); });
  (void)test.spawn(wait_for, std::ref(m)).label("waiter");

  CHECK(graph_of(test) == "  waiter" + at(line_of_wait_for) +
                              ": waits for the mutex that a task that has ended holds\n");
  kept.reset();
}

TEST_CASE("a join that goes round is told as a deadlock", "[sync][await_graph]") {
  gate door;
  mutex m;
  test_loop test;
  join_handle<> holder = test.spawn(hold, std::ref(m), std::ref(door)).label("holder");
  join_handle<> other;
  const auto join_other = [&]() -> task<> {
    const mutex_lock lock = co_await m.lock();
    co_await other;
  };
  const auto join_holder = test.spawn(join_other).label("locks and joins");
  other = test.spawn(wait_for, std::ref(m)).label("needs the lock");
  turn(test);
  door.open();

  const std::string told = graph_of(test);

  CHECK(told.starts_with("deadlock: locks and joins waits at "));
  CHECK(told.find(" for the end of needs the lock;\n          needs the lock waits" +
                  at(line_of_wait_for) + " for the mutex that locks and joins holds\n") !=
        told.npos);
}

TEST_CASE(
    "who waits for a group tells its members, and a member that waits for its owner's lock "
    "closes a circle",
    "[sync][await_graph]") {
  mutex m;
  gate door;
  const auto owner = [&]() -> task<> {
    const mutex_lock lock = co_await m.lock();
    co_await with_group([&](group& tasks) -> task<> {
      (void)tasks.spawn(wait_for, std::ref(m)).label("member");
      (void)tasks.spawn(wait_at, std::ref(door)).label("other member");
      co_return;
    });
  };
  test_loop test;
  (void)test.spawn(owner).label("owner");

  const std::string told = graph_of(test);

  CHECK(told.starts_with("deadlock: owner waits at "));
  CHECK(told.find(" for the end of member;\n          member waits" + at(line_of_wait_for) +
                  " for the mutex that owner holds\n") != told.npos);
  CHECK(told.find(": the end of 2 tasks (the end of member, the end of other member)\n") !=
        told.npos);
}

TEST_CASE("all() tells its tasks, a family its children", "[sync][await_graph]") {
  gate door;
  test_loop test;
  (void)test.spawn([&]() -> task<> { co_await all(wait_at(door), wait_at(door)); }).label("all");
  (void)test
      .spawn([&]() -> task<> {
        (void)fork_child([&]() -> task<> {
          for (;;) {
            try {
              co_await door.wait();
            } catch (const cancelled&) {
            }
          }
        }).label("stubborn child");
        co_return;
      })
      .label("parent");

  const std::string told = graph_of(test);

  CAPTURE(told);
  CHECK(told.find(": the end of 2 tasks (the end of await_graph_test::wait_at #1, the "
                  "end of await_graph_test::wait_at #2)\n") != told.npos);
  CHECK(told.find("waits for the end of stubborn child\n") != told.npos);
}

TEST_CASE("a wait with a way round is no deadlock, but tells who could end it",
          "[sync][await_graph]") {
  mutex one, two;
  gate door;
  const auto patient = [&]() -> task<> {
    const mutex_lock first_lock = co_await one.lock();
    co_await door.wait();
    auto turn = co_await first(two.lock(), sleep(1.0));
  };
  test_loop test;
  (void)test.spawn(patient).label("patient");
  (void)test.spawn(lock_both, std::ref(two), std::ref(one), std::ref(door)).label("bob");
  turn(test);
  door.open();

  const std::string told = graph_of(test);

  CHECK(told.find("deadlock") == told.npos);
  CHECK(told.find("mutex, held by bob or sleep, ") != told.npos);
  CHECK(told.find(" (the mutex that bob holds)\n") != told.npos);
}

TEST_CASE("a shared mutex tells all who have it, and who stands before in its line",
          "[sync][await_graph]") {
  shared_mutex m;
  gate door;
  const auto read = [&]() -> task<> {
    const auto lock = co_await m.lock_shared();
    co_await door.wait();
  };
  const auto write = [&]() -> task<> { const auto lock = co_await m.lock(); };
  test_loop test;
  (void)test.spawn(read).label("reader one");
  (void)test.spawn(read).label("reader two");
  (void)test.spawn(write).label("writer");
  turn(test);
  (void)test.spawn(read).label("late reader");

  const std::string told = graph_of(test);

  CHECK(told.find(" (the shared mutex that reader one holds, the shared mutex that reader two "
                  "holds)\n") != told.npos);
  CHECK(told.find(": waits for writer, who stands before it in the line\n") != told.npos);
}

TEST_CASE("the lock of a key tells the key and its holder", "[sync][await_graph]") {
  keyed_mutex locks;
  gate door;
  const auto use = [&]() -> task<> {
    const keyed_lock lock = co_await locks.lock("anna");
    co_await door.wait();
  };
  test_loop test;
  (void)test.spawn(use).label("one");
  (void)test.spawn(use).label("two");

  CHECK(graph_of(test).find(": waits for the lock of key \"anna\" that one holds\n") !=
        std::string::npos);
}

TEST_CASE("what no task has is told by what has not happened", "[sync][await_graph]") {
  queue<int> items(1);
  event flag;
  semaphore permits(0);
  mutex m;
  condition changed;
  barrier all_there(2);
  const auto get = [&]() -> task<> {
    const int item = co_await items.get();
    (void)item;
  };
  const auto wait = [&]() -> task<> { co_await flag.wait(); };
  const auto acquire = [&]() -> task<> { const auto permit = co_await permits.acquire(); };
  const auto wait_changed = [&]() -> task<> {
    auto lock = co_await m.lock();
    co_await changed.wait(lock);
  };
  const auto meet = [&]() -> task<> { co_await all_there.arrive_and_wait(); };
  test_loop test;
  (void)test.spawn(get);
  (void)test.spawn(wait);
  (void)test.spawn(acquire);
  (void)test.spawn(wait_changed);
  (void)test.spawn(meet);

  const std::string told = graph_of(test);

  for (const std::string_view words :
       {": queue get, 0 of 1 queued; nobody has put anything in\n", ": event; nobody has set it\n",
        ": semaphore, 1 wanted, 0 free; nobody has given enough back\n",
        ": condition; nobody has notified it\n", ": barrier, 1 of 2 are there\n"}) {
    CAPTURE(told, words);
    CHECK(told.find(words) != told.npos);
  }
}

TEST_CASE("the graph is short however many tasks there are", "[sync][await_graph]") {
  gate door;
  test_loop test;
  for (int i = 0; i < 100; ++i) {
    (void)test.spawn(wait_at, std::ref(door)).label("task " + std::to_string(i));
  }
  turn(test);

  const std::string told = test.loop().await_graph(10);

  CHECK(std::count(told.begin(), told.end(), '\n') == 11);
  CHECK(told.ends_with("  ... and 90 more lines\n"));
}

}  // namespace await_graph_test
