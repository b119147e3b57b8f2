// The one door for other threads.
#include <cetane/conc/sleep.hpp>
#include <cetane/conc/spawn.hpp>
#include <cetane/runtime/event_loop.hpp>

#include <app/captured_log.hpp>
#include <catch2/catch_test_macros.hpp>
#include <support/test_loop.hpp>

#include <atomic>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace post_test {

using cetane::event_loop;
using cetane::task;
using cetane::yield;
using cetane::test::captured_log;
using cetane::test::test_loop;

namespace {

// Threads that may wake the loop, from the start of the first until the end of the last. A
// simulated loop wants to know of them: it would take their silence for a deadlock.
class outside {
 public:
  explicit outside(event_loop& loop) : loop_(loop) { loop_.io().begin_external(); }
  outside(const outside&) = delete;
  outside& operator=(const outside&) = delete;
  ~outside() {
    for (std::thread& each : threads_) each.join();
    loop_.io().end_external();
  }

  template <class Body>
  void thread(Body body) {
    threads_.emplace_back(std::move(body));
  }

 private:
  event_loop& loop_;
  std::vector<std::thread> threads_;
};

}  // namespace

TEST_CASE("posted functions run in their order, on the loop's thread", "[runtime][post]") {
  test_loop test;
  event_loop& loop = test.loop();
  std::vector<int> order;
  for (int n = 0; n < 5; ++n) {
    REQUIRE(loop.post([&, n] {
      CHECK(event_loop::current() == &loop);
      order.push_back(n);
    }));
  }
  loop.run_once(cetane::time_point::min());
  REQUIRE(order == std::vector{0, 1, 2, 3, 4});
}

TEST_CASE("what a posted function posts runs in the next pass", "[runtime][post]") {
  test_loop test;
  event_loop& loop = test.loop();
  int depth = 0;
  std::function<void()> again = [&] {
    if (++depth < 3) loop.post(again);
  };
  loop.post(again);
  loop.run_once(cetane::never);  // does not wait: there is a message
  CHECK(depth == 1);
  loop.run_once(cetane::never);
  CHECK(depth == 2);
  loop.run_once(cetane::time_point::min());
  CHECK(depth == 3);
}

TEST_CASE("a posted function may own what cannot be copied", "[runtime][post]") {
  test_loop test;
  int got = 0;
  test.loop().post([&, number = std::make_unique<int>(7)] { got = *number; });
  test.loop().run_once(cetane::time_point::min());
  REQUIRE(got == 7);
}

TEST_CASE("65,536 messages may wait, one more is refused until they were served",
          "[runtime][post]") {
  test_loop test;
  event_loop& loop = test.loop();
  int runs = 0;
  for (int i = 0; i < 65'536; ++i) REQUIRE(loop.post([&] { ++runs; }));
  CHECK_FALSE(loop.post([&] { runs = -1; }));
  CHECK_FALSE(loop.post([&] { runs = -1; }));

  loop.run_once(cetane::time_point::min());

  CHECK(runs == 65'536);
  CHECK(loop.post([&] { ++runs; }));
  loop.run_once(cetane::time_point::min());
  CHECK(runs == 65'537);
  CHECK(loop.stats().messages == 65'537);
}

TEST_CASE("an exception in a posted function is logged, and the next one runs", "[runtime][post]") {
  const captured_log log;
  test_loop test;
  int runs = 0;
  test.loop().post([] { throw std::runtime_error("no such thing"); });
  test.loop().post([] { throw 1; });
  test.loop().post([&] { ++runs; });

  test.loop().run_once(cetane::time_point::min());

  CHECK(runs == 1);
  const auto errors = log.of(cetane::log::level::error);
  REQUIRE(errors.size() == 2);
  CHECK(errors[0] == "a posted function failed: no such thing");
  CHECK(errors[1] == "a posted function failed with something that is no std::exception");
}

TEST_CASE("messages from many threads all arrive, each thread's in its order", "[runtime][post]") {
  constexpr int threads = 4;
  constexpr int messages = 5'000;
  test_loop test;
  event_loop& loop = test.loop();
  int arrived = 0;
  int next[threads] = {};
  int out_of_order = 0;
  {
    outside other(loop);
    for (int t = 0; t < threads; ++t) {
      other.thread([&, t] {
        for (int n = 0; n < messages; ++n) {
          const auto deliver = [&, t, n] {
            ++arrived;
            if (next[t]++ != n) ++out_of_order;
          };
          while (!loop.post(deliver)) std::this_thread::yield();
        }
      });
    }
    loop.run_until([&] { return arrived == threads * messages; });
  }
  CHECK(out_of_order == 0);
  CHECK(loop.stats().messages == threads * messages);
}

TEST_CASE("no wake-up is lost, whenever the loop falls asleep", "[runtime][post]") {
  constexpr int rounds = 500;
  test_loop test;
  event_loop& loop = test.loop();
  std::atomic<int> answered = 0;
  int asked = 0;
  {
    outside other(loop);
    other.thread([&] {
      for (int n = 1; n <= rounds; ++n) {
        loop.post([&] {
          ++asked;
          answered.store(asked);
          answered.notify_one();
        });
        for (int seen = answered.load(); seen < n; seen = answered.load()) answered.wait(seen);
      }
    });
    loop.run_until([&] { return asked == rounds; });
  }
  CHECK(asked == rounds);
}

TEST_CASE("a posted function wakes a task of a sleeping loop", "[runtime][post]") {
  test_loop test;
  event_loop& loop = test.loop();
  bool flag = false;
  const auto body = [&]() -> task<> {
    flag = true;
    co_return;
  };
  {
    outside other(loop);
    other.thread([&] { loop.post([&] { (void)test.spawn(body); }); });
    loop.run_until([&] { return flag; });
  }
  CHECK(flag);
}

TEST_CASE("what was never delivered is destroyed with the loop", "[runtime][post]") {
  const auto held = std::make_shared<int>(1);
  {
    test_loop test;
    for (int i = 0; i < 3; ++i) test.loop().post([held] {});
    CHECK(held.use_count() == 4);
  }
  CHECK(held.use_count() == 1);
}

}  // namespace post_test
