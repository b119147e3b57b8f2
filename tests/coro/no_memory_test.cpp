// Frames that the free lists do not hold come from operator new, which this program replaces: so it
// can refuse.
#include <cetane/coro/task.hpp>

#include <cetane/conc/sleep.hpp>

#include <catch2/catch_test_macros.hpp>
#include <support/test_loop.hpp>
#include <support/traced.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdlib>
#include <new>

using cetane::task;
using cetane::test::ledger;
using cetane::test::test_loop;
using cetane::test::traced;

namespace {

constexpr std::size_t large = 16 * 1024;

bool refusing = false;

struct no_memory_for_large_frames {
  no_memory_for_large_frames() { refusing = true; }
  no_memory_for_large_frames(const no_memory_for_large_frames&) = delete;
  no_memory_for_large_frames& operator=(const no_memory_for_large_frames&) = delete;
  ~no_memory_for_large_frames() { refusing = false; }
};

// Keeps the compiler from doing without the object.
void needed(const void* object) { asm volatile("" : : "r"(object) : "memory"); }

task<int> large_frame(traced argument) {
  std::array<unsigned char, large> bytes;
  needed(&bytes);
  co_await cetane::yield();
  needed(&bytes);
  co_return argument.number();
}

}  // namespace

// Not inlined: beside other files GCC would take the malloc in here for a mistake of theirs.
[[gnu::noinline]] void* operator new(std::size_t bytes) {
  if (refusing && bytes >= large) throw std::bad_alloc();
  if (void* block = std::malloc(std::max<std::size_t>(bytes, 1))) return block;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* block) noexcept { std::free(block); }
[[gnu::noinline]] void operator delete(void* block, std::size_t) noexcept { std::free(block); }

TEST_CASE("a call for whose frame there is no memory throws bad_alloc to its caller",
          "[coro][frame_memory]") {
  test_loop loop;
  ledger objects;
  int failed = 0;

  const int got = loop.run([&]() -> task<int> {
    {
      const no_memory_for_large_frames now;
      try {
        co_await large_frame(traced(objects, 1));
      } catch (const std::bad_alloc&) {
        ++failed;
      }
    }
    co_return co_await large_frame(traced(objects, 2));
  });

  REQUIRE(failed == 1);
  REQUIRE(got == 2);
  REQUIRE(objects.alive == 0);
  REQUIRE(objects.wrong == 0);
}

TEST_CASE("a task for whose frame there is no memory is not started", "[coro][frame_memory]") {
  test_loop loop;
  ledger objects;
  {
    const no_memory_for_large_frames now;
    REQUIRE_THROWS_AS(loop.spawn(large_frame, traced(objects, 1)), std::bad_alloc);
  }
  REQUIRE(loop.loop().stats().tasks_started == 0);
  REQUIRE(objects.alive == 0);
  REQUIRE(objects.wrong == 0);
}
