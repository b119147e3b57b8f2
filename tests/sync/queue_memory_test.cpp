// Counts what the whole program allocates.
#include <cetane/sync/mutex.hpp>
#include <cetane/sync/queue.hpp>

#include <catch2/catch_test_macros.hpp>
#include <sync/sync_fixture.hpp>

#include <cstddef>
#include <cstdlib>
#include <new>

namespace queue_memory_test {
namespace {

std::size_t allocations = 0;

void* allocate(std::size_t bytes) {
  ++allocations;
  if (void* const memory = std::malloc(bytes != 0 ? bytes : 1)) return memory;
  throw std::bad_alloc();
}

}  // namespace
}  // namespace queue_memory_test

void* operator new(std::size_t bytes) { return queue_memory_test::allocate(bytes); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace queue_memory_test {

using cetane::mutex;
using cetane::queue;
using cetane::task;
using cetane::test::run_ready;
using cetane::test::test_loop;

TEST_CASE("a queue moves 10^6 items between two tasks without an allocation once it is warm",
          "[sync][queue]") {
  queue<int> there(64);
  queue<int> back(64);
  std::size_t while_warm = 1;
  test_loop loop;
  const auto answer = [&]() -> task<> {
    while (auto item = co_await there.next()) co_await back.put(*item + 1);
  };
  const auto ask = [&]() -> task<> {
    for (int round = 0; round < 2; ++round) {
      const std::size_t before = allocations;
      for (int i = 0; i < 500'000; ++i) {
        co_await there.put(i);
        const int item = co_await back.get();
        if (item != i + 1) co_return;
      }
      while_warm = allocations - before;
    }
    there.close();
  };
  (void)loop.spawn(answer);
  (void)loop.spawn(ask);
  run_ready(loop);

  REQUIRE(loop.loop().stats().tasks_alive == 0);
  REQUIRE(while_warm == 0);
}

TEST_CASE("waiting for a lock allocates nothing", "[sync][mutex]") {
  mutex m;
  std::size_t while_warm = 1;
  test_loop loop;
  const auto again_and_again = [&](bool counts) -> task<> {
    std::size_t before = 0;
    for (int i = 0; i < 2000; ++i) {
      if (i == 1000) before = allocations;  // by then a simulation has noted all tasks, too
      const auto lock = co_await m.lock();
      co_await cetane::yield();
    }
    if (counts) while_warm = allocations - before;
  };
  (void)loop.spawn(again_and_again, false);
  (void)loop.spawn(again_and_again, false);
  (void)loop.spawn(again_and_again, true);
  run_ready(loop);

  REQUIRE(while_warm == 0);
}

}  // namespace queue_memory_test
