// Cases for promises_test.py: each breaks one of the promises that hold at the end of every test,
// and fails no assertion. The name says what is to be found.

#include <runtime/backend.hpp>

#include <cetane/coro/frame_memory.hpp>
#include <cetane/os/address.hpp>
#include <cetane/sync/detail/queue_lines.hpp>
#include <cetane/sync/queue.hpp>

#include <catch2/catch_test_macros.hpp>
#include <support/test_loop.hpp>

#include <coroutine>

namespace broken_promises {

using namespace cetane;
using namespace cetane::test;

namespace {

// A wait that forgets itself: nothing can wake its task any more.
struct forgetful_wait {
  bool await_ready() const noexcept { return false; }
  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> frame) noexcept {
    frame.promise().context->leaf = frame;
  }
  void await_resume() const noexcept {}
};

task<> wait_for_nothing() {
  forgetful_wait wait;
  co_await wait;
}

int listen(event_loop& loop) {
  int descriptor = -1;
  address bound;
  REQUIRE(loop.io().listen(*address::parse_ip("127.0.0.1", 0), {}, descriptor, bound) == 0);
  return descriptor;
}

}  // namespace

TEST_CASE("nothing", "[none]") {
  test_loop loop;
  queue<int> numbers;
  loop.run([&]() -> task<> {
    co_await numbers.put(1);
    co_await numbers.put(2);
    co_await numbers.get();
  });
}

TEST_CASE("bytes: 10 were queued, 9 sent and 0 dropped", "[bytes]") {
  test_loop loop;
  loop.loop().counters().bytes_queued += 10;
  loop.loop().counters().bytes_sent += 9;
}

TEST_CASE("connections: 2 were opened and 1 closed", "[connections]") {
  test_loop loop;
  loop.loop().counters().connections_opened += 2;
  loop.loop().counters().connections_closed += 1;
}

TEST_CASE("descriptors are open", "[open]") {
  test_loop loop;
  listen(loop);
}

TEST_CASE("closed that were not", "[twice]") {
  test_loop loop;
  const int descriptor = listen(loop);
  loop.loop().io().close(descriptor, false);
  loop.loop().io().close(descriptor, false);
}

TEST_CASE("tasks: 1 were started and 0 finished", "[tasks]") {
  test_loop loop;
  ++loop.loop().counters().tasks_started;
}

TEST_CASE("1 tasks waited for nothing", "[lost]") {
  test_loop loop;
  auto lost = loop.spawn(wait_for_nothing);
  loop.loop().run_once(time_point::min());
}

TEST_CASE("1 wake-ups were for nobody", "[stray]") {
  test_loop loop;
  auto lost = loop.spawn([]() -> task<> {
    forgetful_wait wait;
    co_await wait;
  });
  detail::task_context* task = nullptr;
  loop.loop().scope().for_each_task([&](detail::task_context& each) { task = &each; });
  loop.loop().run_once(time_point::min());
  loop.loop().make_ready(*task);
  loop.loop().run_once(time_point::min());
}

TEST_CASE("1 handlers began too late", "[late]") {
  test_loop loop;
  ++loop.loop().counters().late_handlers;
}

#ifndef NDEBUG  // these are counted beside assertions only
TEST_CASE("messages: 1 more have come than gone", "[messages]") {
  detail::queue_lines lines(10);
  lines.added();
  lines.added();
  lines.end(1);
}

TEST_CASE("frames: 1 more are there than before", "[frames]") {
  [[maybe_unused]] static void* kept = nullptr;
  kept = detail::allocate_frame(100);
}
#endif

TEST_CASE("though the case has the tag", "[honest][breaks-promises]") { test_loop loop; }

}  // namespace broken_promises
