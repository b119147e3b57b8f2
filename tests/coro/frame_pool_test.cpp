// The free lists, which the sanitizers switch off: under them there is nothing to test here.
#include <cetane/coro/frame_memory.hpp>

#include <cetane/coro/task.hpp>

#include <catch2/catch_test_macros.hpp>
#include <support/test_loop.hpp>

#include <algorithm>
#include <coroutine>
#include <cstddef>
#include <set>
#include <thread>
#include <vector>

#include <malloc.h>

namespace frame_pool_test {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define CETANE_TEST_FREE_LISTS 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define CETANE_TEST_FREE_LISTS 0
#endif
#endif

#ifndef CETANE_TEST_FREE_LISTS

using cetane::task;
using cetane::detail::allocate_frame;
using cetane::detail::free_frame;
using cetane::test::test_loop;

namespace {

void run_on_a_thread(auto&& function) {
  std::thread thread(function);
  thread.join();
}

}  // namespace

TEST_CASE("a block that was given back is the next of its size", "[coro][frame_memory]") {
  for (const std::size_t bytes : {1u, 100u, 504u, 505u, 512u, 513u, 1024u, 1025u, 4097u, 8192u}) {
    CAPTURE(bytes);
    void* const first = allocate_frame(bytes);
    free_frame(first, bytes);
    void* const second = allocate_frame(bytes);
    CHECK(second == first);
    free_frame(second, bytes);
  }
}

TEST_CASE("a call that is repeated lives in the same memory", "[coro][frame_memory]") {
  test_loop loop;
  std::set<const void*> places;
  const auto note = [&]() -> task<> {
    const int local = 0;
    places.insert(&local);
    co_await std::suspend_never();
    places.insert(&local);
  };

  loop.run([&]() -> task<> {
    for (int i = 0; i < 100; ++i) co_await note();
  });

  REQUIRE(places.size() == 1);
}

TEST_CASE("a thread keeps 64 KiB of each size, no more", "[coro][frame_memory]") {
  constexpr std::size_t bytes = 1000;
  constexpr std::size_t count = 10'000;
  run_on_a_thread([] {
    std::vector<void*> blocks(count);
    const std::size_t before = ::mallinfo2().uordblks;
    std::generate(blocks.begin(), blocks.end(), [] { return allocate_frame(bytes); });
    for (void* each : blocks) free_frame(each, bytes);
    const std::size_t kept = ::mallinfo2().uordblks - before;

    CHECK(kept >= 60 * 1024);
    CHECK(kept <= 80 * 1024);
  });
}

TEST_CASE("a block may be freed on another thread and is then that thread's",
          "[coro][frame_memory]") {
  constexpr std::size_t bytes = 200;
  void* const made_here = allocate_frame(bytes);
  void* found_there = nullptr;

  run_on_a_thread([&] {
    free_frame(made_here, bytes);
    found_there = allocate_frame(bytes);
    free_frame(found_there, bytes);
  });

  REQUIRE(found_there == made_here);
}

TEST_CASE("what a thread has kept is freed at its end", "[coro][frame_memory]") {
  const auto keep_some = [] {
    std::vector<void*> blocks(50);
    for (void*& each : blocks) each = allocate_frame(1000);
    for (void* each : blocks) free_frame(each, 1000);
  };
  run_on_a_thread(keep_some);
  const std::size_t before = ::mallinfo2().uordblks;
  for (int i = 0; i < 20; ++i) run_on_a_thread(keep_some);
  REQUIRE(::mallinfo2().uordblks < before + 50 * 1000);
}

#endif

}  // namespace frame_pool_test
