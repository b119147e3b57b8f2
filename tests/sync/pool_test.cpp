#include <cetane/sync/pool.hpp>

#include <cetane/conc/timeout.hpp>

#include <catch2/catch_test_macros.hpp>
#include <support/gate.hpp>
#include <sync/sync_fixture.hpp>

#include <chrono>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

namespace pool_test {

using namespace std::chrono_literals;
using cetane::pool;
using cetane::pool_lease;
using cetane::pool_limits;
using cetane::task;
using cetane::test::gate;
using cetane::test::notes;
using cetane::test::run_ready;
using cetane::test::test_loop;

namespace {

// A thing that is counted.
class counted {
 public:
  explicit counted(int& alive, int number) noexcept : number(number), alive_(&alive) { ++alive; }
  counted(counted&& other) noexcept
      : number(other.number), usable(other.usable), alive_(std::exchange(other.alive_, nullptr)) {}
  counted& operator=(counted&&) = delete;
  ~counted() {
    if (alive_ != nullptr) --*alive_;
  }

  int number;
  bool usable = true;

 private:
  int* alive_;
};

struct factory {
  task<counted> operator()() {
    co_await cetane::yield();
    if (failing) throw std::runtime_error("refused");
    co_return counted(alive, ++made);
  }

  int alive = 0;
  int made = 0;
  bool failing = false;
};

task<> use(pool<counted>& from, gate& until, std::vector<int>& used) {
  pool_lease<counted> one = co_await from.acquire();
  used.push_back(one->number);
  co_await until.wait();
}

}  // namespace

TEST_CASE("what was used last is given out first, and only what is needed is made",
          "[sync][pool]") {
  factory make;
  pool<counted> things(std::ref(make));
  gate done;
  std::vector<int> used;
  test_loop loop;
  for (int i = 0; i < 3; ++i) {
    (void)loop.spawn(use, std::ref(things), std::ref(done), std::ref(used));
  }
  run_ready(loop);
  REQUIRE(used == std::vector{1, 2, 3});
  REQUIRE(things.in_use() == 3);
  done.open();
  run_ready(loop);
  REQUIRE(things.idle() == 3);
  REQUIRE(things.in_use() == 0);
  (void)loop.spawn(use, std::ref(things), std::ref(done), std::ref(used));
  run_ready(loop);
  REQUIRE(used.back() == 3);
  REQUIRE(make.made == 3);
  done.open();
  run_ready(loop);
  things.clear();
  REQUIRE(make.alive == 0);
}

TEST_CASE("a pool that is used up makes others wait, in line", "[sync][pool]") {
  factory make;
  pool<counted> things(std::ref(make), pool_limits().open(2).idle(1));
  gate done;
  std::vector<int> used;
  test_loop loop;
  for (int i = 0; i < 5; ++i) {
    (void)loop.spawn(use, std::ref(things), std::ref(done), std::ref(used));
  }
  run_ready(loop);
  REQUIRE(used.size() == 2);
  REQUIRE(make.alive == 2);
  for (int i = 0; i < 3; ++i) {
    done.open();
    run_ready(loop);
  }

  REQUIRE(used.size() == 5);
  REQUIRE(things.idle() == 1);
  REQUIRE(make.alive == 1);
}

TEST_CASE("NEW-19, W21: making that fails does not use the pool up", "[sync][pool]") {
  factory make;
  make.failing = true;
  pool<counted> things(std::ref(make), pool_limits().open(2));
  gate done;
  std::vector<int> used;
  test_loop loop;
  for (int i = 0; i < 5; ++i) {
    REQUIRE_THROWS_AS(loop.run(use, std::ref(things), std::ref(done), std::ref(used)),
                      std::runtime_error);
  }
  REQUIRE(things.in_use() == 0);
  make.failing = false;
  (void)loop.spawn(use, std::ref(things), std::ref(done), std::ref(used));
  (void)loop.spawn(use, std::ref(things), std::ref(done), std::ref(used));
  run_ready(loop);

  REQUIRE(used.size() == 2);
}

TEST_CASE("W21: a task that is cancelled while it makes or waits takes nothing with it",
          "[sync][pool]") {
  factory make;
  pool<counted> things(std::ref(make), pool_limits().open(1));
  gate done;
  std::vector<int> used;
  test_loop loop;
  auto making = loop.spawn(use, std::ref(things), std::ref(done), std::ref(used));
  auto waiting = loop.spawn(use, std::ref(things), std::ref(done), std::ref(used));
  loop.loop().run_once(cetane::time_point::min());
  waiting.cancel();
  making.cancel();
  run_ready(loop);

  REQUIRE(things.in_use() == 0);
  REQUIRE(make.alive == static_cast<int>(things.idle()));
}

TEST_CASE("what an exception has passed by, or was discarded, is not used again", "[sync][pool]") {
  factory make;
  pool<counted> things(std::ref(make));
  test_loop loop;
  REQUIRE_THROWS_AS(loop.run([&]() -> task<> {
    pool_lease<counted> one = co_await things.acquire();
    throw std::runtime_error("in the middle of something");
  }),
                    std::runtime_error);
  REQUIRE(things.idle() == 0);
  loop.run([&]() -> task<> {
    pool_lease<counted> one = co_await things.acquire();
    one.discard();
    pool_lease<counted> two = co_await things.acquire();
    pool_lease<counted> moved = std::move(two);
  });
  REQUIRE(things.idle() == 1);
  REQUIRE(make.alive == 1);
}

TEST_CASE("an idle object that is not fit any more is replaced", "[sync][pool]") {
  factory make;
  pool<counted> things(std::ref(make));
  things.check([](counted& c) { return c.usable; });
  test_loop loop;
  loop.run([&]() -> task<> {
    { pool_lease<counted> one = co_await things.acquire(); }
    {
      pool_lease<counted> same = co_await things.acquire();
      CHECK(same->number == 1);
      same->usable = false;
    }
    pool_lease<counted> other = co_await things.acquire();
    CHECK(other->number == 2);
  });
  REQUIRE(make.alive == 1);
}

TEST_CASE("a pool may make its objects without waiting, and for none is refused", "[sync][pool]") {
  int made = 0;
  pool<int> numbers([&made] { return ++made; }, pool_limits().open(1));
  test_loop loop;
  loop.run([&]() -> task<> {
    pool_lease<int> one = co_await numbers.acquire();
    CHECK(*one == 1);
    const auto nothing = co_await cetane::move_on_after(0s, numbers.acquire());
    CHECK_FALSE(nothing.has_value());
  });
  REQUIRE(made == 1);
  REQUIRE_THROWS_AS(pool<int>([] { return 1; }, pool_limits().open(0)), std::invalid_argument);
}

TEST_CASE("a pool that keeps whatever comes back reserves no more than may be open",
          "[sync][pool]") {
  REQUIRE_NOTHROW(pool<int>([] { return 1; }, pool_limits().idle(static_cast<std::size_t>(-1))));
}

}  // namespace pool_test
