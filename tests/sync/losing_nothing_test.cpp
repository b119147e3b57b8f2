// Random tasks on queues, events, locks and permits, cancelled at random points: whatever happens,
// every item is accounted for exactly once and nothing stays locked.
#include <cetane/base/scope_exit.hpp>
#include <cetane/conc/timeout.hpp>
#include <cetane/sync/event.hpp>
#include <cetane/sync/mutex.hpp>
#include <cetane/sync/queue.hpp>
#include <cetane/sync/semaphore.hpp>
#include <cetane/sync/shared_mutex.hpp>

#include <catch2/catch_test_macros.hpp>
#include <sync/sync_fixture.hpp>

#include <chrono>
#include <cstdint>
#include <iterator>
#include <optional>
#include <random>
#include <vector>

namespace losing_nothing_test {

using namespace std::chrono_literals;
using cetane::event;
using cetane::mutex;
using cetane::queue;
using cetane::semaphore;
using cetane::shared_mutex;
using cetane::task;
using cetane::test::run_ready;
using cetane::test::test_loop;

namespace {

// What the tasks of one run share, and what has become of each item.
struct world {
  explicit world(std::uint64_t seed) : dice(seed), first(1 + dice() % 3), second(1 + dice() % 9) {}

  unsigned roll(unsigned sides) { return static_cast<unsigned>(dice() % sides); }
  queue<int>& any_queue() { return roll(2) == 0 ? first : second; }

  std::mt19937_64 dice;
  queue<int> first;
  queue<int> second;
  mutex lock;
  shared_mutex shared;
  semaphore permits{2};
  event open;
  int wrong = 0;  // who was not alone where it should have been
  int in_lock = 0;
  int writers = 0;
  int readers = 0;
  std::vector<int> put;  // 1 once put() has returned
  std::vector<int> got;  // how often it was got
};

task<> some_turns(world& w) {
  for (unsigned n = w.roll(3); n > 0; --n) co_await cetane::yield();
}

task<> produce(world& w) {
  for (;;) {
    const int item = static_cast<int>(w.put.size());
    w.put.push_back(0);
    w.got.push_back(0);
    co_await w.any_queue().put(item);
    w.put[static_cast<std::size_t>(item)] = 1;
    co_await some_turns(w);
  }
}

task<> consume(world& w) {
  for (;;) {
    std::optional<int> item;
    if (w.roll(2) == 0) {
      item = co_await w.any_queue().next();
    } else {
      item = co_await cetane::move_on_after(0s, w.any_queue().get());
    }
    if (item) ++w.got[static_cast<std::size_t>(*item)];
    co_await some_turns(w);
  }
}

task<> lock_and_unlock(world& w) {
  for (;;) {
    {
      const auto lock = co_await w.lock.lock();
      if (++w.in_lock != 1) ++w.wrong;
      const cetane::scope_exit leave([&] { --w.in_lock; });
      co_await some_turns(w);
    }
    co_await some_turns(w);
  }
}

task<> read_and_write(world& w) {
  for (;;) {
    const bool reads = w.roll(3) != 0;
    int& count = reads ? w.readers : w.writers;
    if (reads) {
      const auto lock = co_await w.shared.lock_shared();
      const cetane::scope_exit leave([&] { --count; });
      ++count;
      if (w.writers != 0) ++w.wrong;
      co_await some_turns(w);
    } else {
      const auto lock = co_await w.shared.lock();
      const cetane::scope_exit leave([&] { --count; });
      ++count;
      if (w.writers != 1 || w.readers != 0) ++w.wrong;
      co_await some_turns(w);
    }
    co_await some_turns(w);
  }
}

task<> take_permits(world& w) {
  for (;;) {
    const auto permit = co_await w.permits.acquire(1 + w.roll(2));
    co_await some_turns(w);
  }
}

task<> wait_for_event(world& w) {
  for (;;) {
    co_await w.open.wait();
    if (w.roll(2) == 0) w.open.clear();
    co_await some_turns(w);
  }
}

using behaviour = task<> (*)(world&);
constexpr behaviour behaviours[] = {produce,        consume,      consume,       lock_and_unlock,
                                    read_and_write, take_permits, wait_for_event};

// Tasks come and are cancelled at random until all are.
void live(test_loop& loop, world& w) {
  std::vector<cetane::join_handle<>> tasks;
  for (int step = 0; step < 150; ++step) {
    if (tasks.size() < 12 && w.roll(2) == 0) {
      tasks.push_back(loop.spawn(behaviours[w.roll(std::size(behaviours))], std::ref(w)));
    }
    if (!tasks.empty() && w.roll(4) == 0)
      tasks[w.roll(static_cast<unsigned>(tasks.size()))].cancel();
    if (w.roll(3) == 0) w.open.set();
    if (w.roll(2) == 0) loop.loop().run_once(cetane::time_point::min());
    std::erase_if(tasks, [](auto& handle) { return handle.done(); });
  }
  for (auto& handle : tasks) handle.cancel();
  run_ready(loop);
}

void check_accounts(world& w) {
  for (queue<int>* q : {&w.first, &w.second}) {
    while (const std::optional<int> left = q->try_get()) ++w.got[static_cast<std::size_t>(*left)];
  }
  CHECK(w.put == w.got);
  CHECK(w.wrong == 0);
  CHECK_FALSE(w.lock.locked());
  CHECK(w.permits.available() == 2);
}

}  // namespace

TEST_CASE("whatever is cancelled when, every item is had exactly once and no lock is left",
          "[sync][queue][mutex]") {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    CAPTURE(seed);
    world w(seed);
    test_loop loop;
    live(loop, w);
    REQUIRE(loop.loop().stats().tasks_alive == 0);
    check_accounts(w);
  }
}

TEST_CASE("a loop that ends at any point loses no item and leaves no lock",
          "[sync][queue][mutex]") {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    CAPTURE(seed);
    world w(seed);
    {
      test_loop loop;
      for (unsigned n = w.roll(12); n > 0; --n) {
        (void)loop.spawn(behaviours[w.roll(std::size(behaviours))], std::ref(w));
      }
      for (unsigned n = w.roll(9); n > 0; --n) loop.loop().run_once(cetane::time_point::min());
    }
    check_accounts(w);
  }
}

}  // namespace losing_nothing_test
