#include <cetane/sync/worker_pool.hpp>

#include <cetane/sync/queue.hpp>

#include <catch2/catch_test_macros.hpp>
#include <cetane/base/scope_exit.hpp>
#include <support/gate.hpp>
#include <sync/sync_fixture.hpp>

#include <optional>
#include <stdexcept>
#include <vector>

namespace worker_pool_test {

using cetane::queue;
using cetane::task;
using cetane::worker_pool;
using cetane::test::gate;
using cetane::test::run_ready;
using cetane::test::test_loop;

namespace {

// Numbers from 1 to `last`; says how many it has given.
struct numbers {
  std::optional<int> operator()() {
    if (given == last) return std::nullopt;
    return ++given;
  }

  int last;
  int given = 0;
};

}  // namespace

TEST_CASE("a worker asks for a job when it is idle, and not before", "[sync][worker_pool]") {
  numbers source{5};
  gate next;
  std::vector<int> done;
  test_loop loop;
  worker_pool pool(2, std::ref(source), [&](int job) -> task<> {
    co_await next.wait();
    done.push_back(job);
  });
  const auto run = [&]() -> task<> { co_await pool.run(); };
  auto running = loop.spawn(run);
  for (const int given : {2, 4, 5}) {
    run_ready(loop);
    REQUIRE(source.given == given);
    next.open();
  }
  run_ready(loop);

  REQUIRE(running.done());
  REQUIRE(done == std::vector{1, 2, 3, 4, 5});
  REQUIRE(pool.done() == 5);
  REQUIRE(loop.loop().stats().tasks_alive == 0);
}

TEST_CASE("a job that fails is lost, and its worker goes on", "[sync][worker_pool]") {
  numbers source{4};
  std::vector<int> done;
  test_loop loop;
  worker_pool pool(1, std::ref(source), [&](int job) -> task<> {
    co_await cetane::yield();
    if (job == 2) throw std::runtime_error("a mistake of the test");
    if (job == 3) throw 3;
    done.push_back(job);
  });
  loop.run([&]() -> task<> { co_await pool.run(); });

  REQUIRE(done == std::vector{1, 4});
  REQUIRE(pool.lost() == 2);
}

TEST_CASE("a source that waits is asked by one worker at a time", "[sync][worker_pool]") {
  queue<int> jobs;
  bool asked = false;
  std::vector<int> done;
  test_loop loop;
  const auto source = [&]() -> task<std::optional<int>> {
    CHECK_FALSE(asked);
    asked = true;
    std::optional<int> job = co_await jobs.next();
    asked = false;
    co_return job;
  };
  worker_pool pool(3, source, [&](int job) -> task<> {
    co_await cetane::yield();
    done.push_back(job);
  });
  const auto run = [&]() -> task<> { co_await pool.run(); };
  auto running = loop.spawn(run);
  run_ready(loop);
  for (int i = 0; i < 10; ++i) REQUIRE(jobs.try_put(i));
  jobs.close();
  run_ready(loop);

  REQUIRE(running.done());
  REQUIRE(done.size() == 10);
}

TEST_CASE("a source that fails ends the pool when the jobs that were begun are done",
          "[sync][worker_pool]") {
  int given = 0;
  std::vector<int> done;
  test_loop loop;
  const auto source = [&]() -> std::optional<int> {
    if (given == 2) throw std::runtime_error("no more");
    return ++given;
  };
  worker_pool pool(3, source, [&](int job) -> task<> {
    co_await cetane::yield();
    done.push_back(job);
  });
  REQUIRE_THROWS_AS(loop.run([&]() -> task<> { co_await pool.run(); }), std::runtime_error);
  REQUIRE(done == std::vector{1, 2});
}

TEST_CASE("a pool that is cancelled cancels its workers and waits for them",
          "[sync][worker_pool]") {
  numbers source{100};
  gate next;
  int ended = 0;
  test_loop loop;
  worker_pool pool(3, std::ref(source), [&](int) -> task<> {
    const cetane::scope_exit note([&] { ++ended; });
    co_await next.wait();
  });
  const auto run = [&]() -> task<> {
    try {
      co_await pool.run();
    } catch (const cetane::cancelled&) {
      CHECK(ended == 3);
      throw;
    }
  };
  auto running = loop.spawn(run);
  run_ready(loop);
  running.cancel();
  run_ready(loop);

  REQUIRE(running.done());
  REQUIRE(ended == 3);
  REQUIRE(loop.loop().stats().tasks_alive == 0);
}

TEST_CASE("a loop that ends destroys a pool at work", "[sync][worker_pool]") {
  numbers source{100};
  gate next;
  int ended = 0;
  worker_pool pool(3, std::ref(source), [&](int) -> task<> {
    const cetane::scope_exit note([&] { ++ended; });
    co_await next.wait();
  });
  {
    test_loop loop;
    const auto run = [&]() -> task<> { co_await pool.run(); };
    (void)loop.spawn(run);
    run_ready(loop);
  }
  REQUIRE(ended == 3);
}

TEST_CASE("a pool waits for the children that its handlers have forked", "[sync][worker_pool]") {
  numbers source{2};
  int ended = 0;
  test_loop loop;
  const auto child = [&]() -> task<> {
    const cetane::scope_exit over([&] { ++ended; });
    co_await cetane::sleep_until(cetane::never);
  };
  const auto handler = [&](int) -> task<> {
    (void)cetane::fork_child(child);
    co_await cetane::yield();
  };
  loop.run([&]() -> task<> {
    worker_pool pool(2, std::ref(source), handler);
    co_await pool.run();
    CHECK(ended == 2);
  });
  REQUIRE(loop.loop().stats().tasks_alive == 0);
}

TEST_CASE("a job that fails by another task's cancel costs no worker", "[sync][worker_pool]") {
  numbers source{3};
  test_loop loop;
  const auto child = []() -> task<> { co_await cetane::sleep_until(cetane::never); };
  const auto handler = [&](int) -> task<> {
    auto other = cetane::spawn(child);
    other.cancel();
    co_await other;
  };
  loop.run([&]() -> task<> {
    worker_pool pool(1, std::ref(source), handler);
    co_await pool.run();
    CHECK(pool.done() == 3);
    CHECK(pool.lost() == 3);
  });
}

TEST_CASE("a source that fails by another task's cancel ends the pool with that",
          "[sync][worker_pool]") {
  test_loop loop;
  const auto source = []() -> std::optional<int> {
    throw cetane::cancelled(cetane::cancel_reason::user);
  };
  const auto handler = [](int) -> task<> { co_return; };
  REQUIRE_THROWS_AS(loop.run([&]() -> task<> {
    worker_pool pool(2, source, handler);
    co_await pool.run();
  }),
                    cetane::cancelled);
}

}  // namespace worker_pool_test
