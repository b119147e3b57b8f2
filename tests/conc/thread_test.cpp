#include "cetane/conc/thread.hpp"

#include "conc/offload_pool.hpp"
#include "runtime/io_blocks.hpp"
#include "support/sanitizers.hpp"
#include "support/test_loop.hpp"

#include <cetane/backend/sim.hpp>
#include <cetane/base/limits.hpp>
#include <cetane/base/log.hpp>
#include <cetane/base/scope_exit.hpp>
#include <cetane/conc/sleep.hpp>
#include <cetane/conc/spawn.hpp>
#include <cetane/conc/timeout.hpp>
#include <cetane/runtime/chunk.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>

#include <algorithm>
#include <atomic>
#include <future>
#include <latch>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <tuple>
#include <vector>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

namespace thread_test {

using namespace cetane;
using namespace std::chrono_literals;
using cetane::test::test_loop;

namespace {

// A call that says when it has begun, and ends when it is told to.
class gate {
 public:
  void pass() {
    begun_.count_down();
    opened_.wait();
  }
  void wait_until_begun() { begun_.wait(); }
  void open() { opened_.count_down(); }

 private:
  std::latch begun_{1};
  std::latch opened_{1};
};

int add(int a, int b) { return a + b; }

std::size_t pool_threads() {
  return std::min<std::size_t>(most_offload_threads, std::thread::hardware_concurrency() + 4);
}

// Runs passes until the loop has nothing to do but wait.
void settle(test_loop& loop) {
  for (int i = 0; i < 3; ++i) loop.loop().run_once(time_point::min());
}

}  // namespace

TEST_CASE("a call runs on another thread and its task goes on where it was", "[conc][thread]") {
  test_loop loop;
  const auto here = std::this_thread::get_id();

  loop.run([here]() -> task<> {
    const auto there = co_await cetane::thread([] { return std::this_thread::get_id(); });
    CHECK(there != here);
    CHECK(std::this_thread::get_id() == here);
  });
}

TEST_CASE("other tasks run while a call blocks", "[conc][thread]") {
  test_loop loop;
  gate blocked;
  bool other_ran = false;

  auto caller = loop.spawn([&]() -> task<> { co_await cetane::thread([&] { blocked.pass(); }); });
  auto other = loop.spawn([&]() -> task<> {
    co_await yield();
    other_ran = true;
    blocked.open();
  });
  loop.loop().run_until([&] { return caller.done() && other.done(); });

  CHECK(other_ran);
}

TEST_CASE("arguments are copied or moved into the call, and std::ref shares", "[conc][thread]") {
  test_loop loop;

  loop.run([]() -> task<> {
    int shared = 1;
    auto owned = std::make_unique<int>(40);
    auto sum = [](std::unique_ptr<int> number, const std::string& text, int& out) {
      out = 7;
      return *number + static_cast<int>(text.size());
    };
    const int total = co_await cetane::thread(sum, std::move(owned), "ab", std::ref(shared));
    CHECK(total == 42);
    CHECK(shared == 7);
    const std::string text = "four";
    const std::size_t letters = co_await cetane::thread(&std::string::size, text);
    CHECK(letters == 4);
  });
}

TEST_CASE("results may be void, move-only, or a reference", "[conc][thread]") {
  test_loop loop;

  loop.run([]() -> task<> {
    co_await cetane::thread([] {});
    const std::unique_ptr<int> made =
        co_await cetane::thread([] { return std::make_unique<int>(5); });
    CHECK(*made == 5);
    int number = 1;
    int& same = co_await cetane::thread([](int& n) -> int& { return n; }, std::ref(number));
    CHECK(&same == &number);
  });
}

TEST_CASE("what a call throws is thrown in its task", "[conc][thread]") {
  test_loop loop;
  auto failing = []() -> task<int> {
    co_return co_await cetane::thread([]() -> int { throw std::out_of_range("too far"); });
  };

  CHECK_THROWS_MATCHES(loop.run(failing), std::out_of_range, Catch::Matchers::Message("too far"));
}

TEST_CASE("what a call owned is destroyed on its thread before the task goes on",
          "[conc][thread]") {
  test_loop loop;

  loop.run([]() -> task<> {
    auto owned = std::make_shared<int>(1);
    std::weak_ptr<int> seen = owned;
    co_await cetane::thread([](const std::shared_ptr<int>&) {}, std::move(owned));
    CHECK(seen.expired());
  });
}

TEST_CASE("more calls than may wait are all made", "[conc][thread]") {
  test_loop loop;
  constexpr int calls = 3000;
  static_assert(calls > default_offload_waiting + most_offload_threads);
  std::atomic<int> made = 0;
  int answered = 0;
  auto caller = [](std::atomic<int>& made, int& answered, int number) -> task<> {
    const int answer = co_await cetane::thread([&made, number] { return ++made, number; });
    if (answer == number) ++answered;
  };

  for (int i = 0; i < calls; ++i) loop.spawn(caller, std::ref(made), std::ref(answered), i);
  loop.loop().run_until([&] { return answered == calls; });

  CHECK(made == calls);
  CHECK(detail::offload_pool::of_process().now().threads <= pool_threads());
  CHECK(loop.loop().stats().tasks_alive == 0);
}

TEST_CASE("NEW-14 a cancelled task stops waiting at once, and the late result is dropped",
          "[conc][thread]") {
  test_loop loop;
  gate blocked;
  std::promise<void> dropped;
  auto waiting = loop.spawn([&]() -> task<> {
    auto call = [&blocked, &dropped] {
      blocked.pass();
      return std::shared_ptr<void>(nullptr, [&dropped](void*) { dropped.set_value(); });
    };
    co_await cetane::thread(call);
    FAIL("the task was cancelled");
  });
  settle(loop);
  blocked.wait_until_begun();

  waiting.cancel();
  loop.loop().run_until([&] { return waiting.done(); });

  blocked.open();
  dropped.get_future().wait();
  settle(loop);
  CHECK(loop.loop().stats().messages == 0);
}

// A simulation waits for the call in real time: only so long that the test takes no time.
std::unique_ptr<detail::backend> make_impatient_backend() {
  if (!cetane::test::on_sim()) return cetane::test::make_test_backend();
  return make_sim_backend(sim_options(cetane::test::test_seed()).set_patience(1ms));
}

TEST_CASE("NEW-14, W9 the late end of a call wakes its task out of nothing else",
          "[conc][thread]") {
  test_loop loop(make_impatient_backend());
  gate blocked;
  std::promise<void> ended;

  loop.run([&]() -> task<> {
    auto call = [&blocked, &ended] {
      blocked.pass();
      return std::shared_ptr<void>(nullptr, [&ended](void*) { ended.set_value(); });
    };
    (void)spawn([&blocked]() -> task<> {  // holds up the loop, so that the call begins in time
      blocked.wait_until_begun();
      co_return;
    });
    const auto in_time = co_await move_on_after(1ms, cetane::thread(call));
    CHECK_FALSE(in_time.has_value());
    blocked.open();
    ended.get_future().wait();

    const duration span = cetane::test::on_sim() ? duration(2s) : duration(5ms);
    const time_point begin = loop.loop().now();
    co_await cetane::sleep(span);
    const duration slept = loop.loop().now() - begin;
    CHECK(slept >= span);
    if (cetane::test::on_sim()) CHECK(slept == span);
  });

  CHECK(loop.loop().stats().messages == 0);
}

TEST_CASE("what a call throws when nobody waits any more is a debug line", "[conc][thread]") {
  std::promise<std::string> line;
  log::set_level(log::level::debug);
  log::set_sink([&line](log::level at, std::string_view name, std::string_view text) {
    if (at == log::level::debug && name == "offload") line.set_value(std::string(text));
  });
  const scope_exit restore([] {
    log::set_sink(nullptr);
    log::set_level(log::level::info);
  });
  test_loop loop;
  gate blocked;
  auto waiting = loop.spawn([&blocked]() -> task<> {
    co_await cetane::thread([&blocked] {
      blocked.pass();
      throw std::runtime_error("too late");
    });
  });
  settle(loop);
  blocked.wait_until_begun();

  waiting.cancel();
  blocked.open();

  CHECK(line.get_future().get() == "a call that nobody waits for any more failed: too late");
  loop.loop().run_until([&] { return waiting.done(); });
}

TEST_CASE("a call that has not begun when its task is cancelled is not made", "[conc][thread]") {
  test_loop loop;
  std::vector<std::unique_ptr<gate>> gates;
  std::vector<join_handle<>> busy;
  for (std::size_t i = 0; i < pool_threads(); ++i) {
    gates.push_back(std::make_unique<gate>());
    busy.push_back(
        loop.spawn([](gate& g) -> task<> { co_await cetane::thread(&gate::pass, std::ref(g)); },
                   std::ref(*gates.back())));
  }
  settle(loop);
  for (auto& g : gates) g->wait_until_begun();
  std::atomic<bool> made = false;
  auto waiting = loop.spawn([&]() -> task<> { co_await cetane::thread([&made] { made = true; }); });
  settle(loop);
  CHECK(detail::offload_pool::of_process().now().in_line == 1);

  waiting.cancel();

  CHECK(detail::offload_pool::of_process().now().in_line == 0);
  for (auto& g : gates) g->open();
  loop.loop().run_until([&] {
    return waiting.done() &&
           std::all_of(busy.begin(), busy.end(), [](auto& h) { return h.done(); });
  });
  CHECK_FALSE(made);
}

TEST_CASE("a result that is there when the task is cancelled is delivered", "[conc][thread]") {
  test_loop loop;
  int got = 0;
  auto waiting = loop.spawn([&got]() -> task<> { got = co_await cetane::thread(add, 20, 3); });
  auto canceller = loop.spawn(
      [](join_handle<>& target, event_loop& l) -> task<> {
        while (l.stats().messages == 0) co_await yield();
        target.cancel();  // delivered in this pass, and not resumed yet
      },
      std::ref(waiting), std::ref(loop.loop()));

  loop.loop().run_until([&] { return waiting.done() && canceller.done(); });

  CHECK(got == 23);
}

TEST_CASE("a loop may be destroyed while its calls run", "[conc][thread]") {
  gate blocked;
  std::promise<void> dropped;
  {
    test_loop loop;
    loop.spawn([&]() -> task<> {
      auto call = [&blocked, &dropped] {
        blocked.pass();
        return std::shared_ptr<void>(nullptr, [&dropped](void*) { dropped.set_value(); });
      };
      co_await cetane::thread(call);
    });
    settle(loop);
    blocked.wait_until_begun();
  }

  blocked.open();
  dropped.get_future().wait();
}

TEST_CASE("a loop may be destroyed at any point of a call's way back", "[conc][thread]") {
  for (int i = 0; i < 300; ++i) {
    test_loop loop;
    std::latch made{3};
    for (int n = 0; n < 3; ++n) {
      loop.spawn([](std::latch& l) -> task<> { co_await cetane::thread([&l] { l.count_down(); }); },
                 std::ref(made));
    }
    settle(loop);
    made.wait();
    if (i % 2 == 0) loop.loop().run_once(time_point::min());
  }
}

TEST_CASE("a full mailbox loses no result", "[conc][thread]") {
  test_loop test;
  event_loop& target = test.loop();

  const int got = test.run([&target]() -> task<int> {
    // The loop empties nothing until the thread is done, its result is posted too.
    auto hold_the_loop = []() -> task<> {
      const auto& pool = detail::offload_pool::of_process();
      for (auto now = pool.now(); now.in_line != 0 || now.idle != now.threads; now = pool.now()) {
        std::this_thread::yield();
      }
      co_return;
    };
    std::ignore = spawn(hold_the_loop);
    auto fill = [&target] {
      while (target.post([] {})) {
      }
      return 9;
    };
    co_return co_await cetane::thread(fill);
  });

  CHECK(got == 9);
  CHECK(target.stats().messages > 1);
}

TEST_CASE("the pool's threads leave signals to the program's own", "[conc][thread]") {
  test_loop loop;
  auto mask = [] {
    sigset_t blocked;
    pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
    return blocked;
  };

  loop.run([mask]() -> task<> {
    const sigset_t blocked = co_await cetane::thread(mask);
    for (const int asked_for : {SIGTERM, SIGINT, SIGCHLD, SIGUSR1, SIGALRM, SIGPIPE}) {
      CHECK(sigismember(&blocked, asked_for) == 1);
    }
    CHECK(sigismember(&blocked, SIGSEGV) == 0);
    const sigset_t here = mask();
    CHECK(sigismember(&here, SIGTERM) == 0);
  });
}

TEST_CASE("a chunk has its own bytes when it leaves its thread", "[conc][thread]") {
  test_loop loop;
  gate before_reading;
  auto& blocks = loop.loop().blocks();
  auto reader = loop.spawn([&]() -> task<std::string> {
    std::string_view("hello").copy(blocks.input, 5);
    blocks.feed_begin = blocks.input;
    blocks.feed_end = blocks.input + 5;
    auto read = [&before_reading](const chunk& bytes) {
      before_reading.pass();
      return std::string(bytes);
    };
    co_return co_await cetane::thread(read, blocks.lend_rest());
  });
  auto writer = loop.spawn([&]() -> task<> {
    co_await yield();
    std::string_view("XXXXX").copy(blocks.input, 5);
    before_reading.open();
  });

  auto both = [](join_handle<std::string>& r) -> task<std::string> { co_return co_await r; };
  CHECK(loop.run(both, reader) == "hello");
}

TEST_CASE("what thread() returned can be awaited later, but once", "[conc][thread]") {
  test_loop loop;

  loop.run([]() -> task<> {
    auto call = cetane::thread(add, 2, 2);
    const int four = co_await call;
    CHECK(four == 4);
    bool refused = false;
    try {
      co_await call;
    } catch (const std::logic_error&) {
      refused = true;
    }
    CHECK(refused);
  });
}

TEST_CASE("a task dump names a call on the pool", "[conc][thread]") {
  test_loop loop;
  gate blocked;
  auto caller = loop.spawn([&]() -> task<> { co_await cetane::thread([&] { blocked.pass(); }); });
  settle(loop);

  CHECK(loop.loop().dump_tasks().find("a call on the offload pool") != std::string::npos);

  blocked.open();
  loop.loop().run_until([&] { return caller.done(); });
}

#if !CETANE_TEST_THREAD_SANITIZER  // it does not go on after a fork of several threads
TEST_CASE("a forked child, which has none of the threads, makes calls of its own",
          "[conc][thread]") {
  test_loop parents;
  auto call = []() -> task<int> { co_return co_await cetane::thread(add, 3, 4); };
  REQUIRE(parents.run(call) == 7);

  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    int got = 0;
    {
      test_loop childs;
      got = childs.run(call);
    }
    ::_exit(got);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);

  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 7);
}
#endif

}  // namespace thread_test
