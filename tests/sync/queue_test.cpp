#include <cetane/sync/queue.hpp>

#include <cetane/base/errors.hpp>
#include <cetane/conc/first.hpp>
#include <cetane/conc/timeout.hpp>
#include <cetane/sync/event.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <sync/sync_fixture.hpp>

#include <chrono>
#include <deque>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace queue_test {

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using cetane::queue;
using cetane::queue_closed;
using cetane::task;
using cetane::unbounded;
using cetane::yield;
using cetane::test::run_ready;
using cetane::test::test_loop;

namespace {

using numbers = std::vector<int>;

task<> take_all(queue<int>& from, numbers& got) {
  while (auto item = co_await from.next()) got.push_back(*item);
}

task<> take(queue<int>& from, int count, numbers& got, numbers* all) {
  for (int i = 0; i < count; ++i) {
    const int item = co_await from.get();
    got.push_back(item);
    if (all != nullptr) all->push_back(item);
  }
}

numbers count_to(int end) {
  numbers all;
  for (int i = 0; i < end; ++i) all.push_back(i);
  return all;
}

}  // namespace

TEST_CASE("who puts or takes many items, and need never wait, lets others have their turns",
          "[sync][queue]") {
  constexpr int many = 10'000;
  test_loop loop;
  queue<int> q(many);
  bool over = false;
  int turns = 0;
  const auto count_turns = [&]() -> task<> {
    while (!over) {
      ++turns;
      co_await yield();
    }
  };
  const auto put_many = [&]() -> task<> {
    for (int i = 0; i < many; ++i) co_await q.put(i);
  };
  const auto take_many = [&]() -> task<> {
    for (int i = 0; i < many; ++i) (void)co_await q.get();
  };

  loop.run([&]() -> task<> {
    auto counting = loop.spawn(count_turns);
    co_await put_many();
    const int while_it_put = turns;
    co_await take_many();
    over = true;
    co_await counting;
    CHECK(while_it_put > 10);
    CHECK(turns - while_it_put > 10);
  });
}

TEST_CASE("Q-1: 50 workers take 500 items of a full queue in their order, each ten",
          "[sync][queue]") {
  queue<int> q;
  for (int i = 0; i < 500; ++i) REQUIRE(q.try_put(i));
  std::vector<numbers> got(50);
  numbers all;
  test_loop loop;
  const auto worker = [&](numbers& own) -> task<> {
    while (auto item = co_await q.next()) {
      own.push_back(*item);
      all.push_back(*item);
    }
  };
  for (numbers& own : got) (void)loop.spawn(worker, std::ref(own));
  run_ready(loop);

  REQUIRE(all == count_to(500));
  for (const numbers& own : got) CHECK(own.size() == 10);
}

TEST_CASE("Q-1: 50 waiting workers take 500 items that come at once in their order, each ten",
          "[sync][queue]") {
  queue<int> q;
  std::vector<numbers> got(50);
  numbers all;
  test_loop loop;
  for (numbers& own : got) (void)loop.spawn(take, std::ref(q), 10, std::ref(own), &all);
  run_ready(loop);
  for (int i = 0; i < 500; ++i) REQUIRE(q.try_put(i));
  run_ready(loop);

  REQUIRE(all == count_to(500));
  for (const numbers& own : got) CHECK(own.size() == 10);
}

TEST_CASE("NEW-10: a burst of 100 items gives each of 5 workers 20", "[sync][queue]") {
  queue<int> q;
  std::vector<numbers> got(5);
  test_loop loop;
  for (numbers& own : got) (void)loop.spawn(take_all, std::ref(q), std::ref(own));
  run_ready(loop);
  for (int i = 0; i < 100; ++i) REQUIRE(q.try_put(i));
  run_ready(loop);

  for (const numbers& own : got) CHECK(own.size() == 20);
  q.close();
  run_ready(loop);
}

TEST_CASE("NEW-9, W12: of 100 single items one worker does not get all, but each of 5 gets 20",
          "[sync][queue]") {
  queue<int> q;
  std::vector<numbers> got(5);
  test_loop loop;
  for (numbers& own : got) (void)loop.spawn(take_all, std::ref(q), std::ref(own));
  run_ready(loop);
  for (int i = 0; i < 100; ++i) {
    REQUIRE(q.try_put(i));
    run_ready(loop);
  }

  for (const numbers& own : got) CHECK(own.size() == 20);
  q.close();
  run_ready(loop);
}

TEST_CASE("Q-2: a get ends at its deadline, and an item that comes before it is had",
          "[sync][queue]") {
  queue<int> q;
  test_loop loop;
  loop.run([&]() -> task<> {
    const std::optional<int> nothing = co_await cetane::move_on_after(10ms, q.get());
    CHECK_FALSE(nothing);
    bool late = false;
    try {
      (void)co_await cetane::with_timeout(10ms, q.get());
    } catch (const cetane::timed_out&) {
      late = true;
    }
    CHECK(late);
    const auto put_later = [](queue<int>& into) -> task<> {
      co_await cetane::sleep(1ms);
      CHECK(into.try_put(7));
    };
    auto putting = cetane::spawn(put_later, std::ref(q));
    const std::optional<int> item = co_await cetane::move_on_after(10s, q.get());
    CHECK(item == 7);
    co_await putting;
  });
  REQUIRE(q.empty());
}

TEST_CASE("W11: a get with a timeout of zero does not wait, and takes what is there",
          "[sync][queue]") {
  queue<int> q;
  test_loop loop;
  loop.run([&]() -> task<> {
    const std::optional<int> nothing = co_await cetane::move_on_after(0s, q.get());
    CHECK_FALSE(nothing);
    CHECK(q.try_put(1));
    const int item = co_await q.get();
    CHECK(item == 1);
  });
}

TEST_CASE("Q-3: 10,000 items go through a queue without loss and in order", "[sync][queue]") {
  queue<int> q(16);
  numbers got;
  test_loop loop;
  const auto put_all = [&]() -> task<> {
    for (int i = 0; i < 10'000; ++i) co_await q.put(i);
    q.close();
  };
  (void)loop.spawn(take_all, std::ref(q), std::ref(got));
  (void)loop.spawn(put_all);
  run_ready(loop);

  REQUIRE(got == count_to(10'000));
  REQUIRE(loop.loop().stats().tasks_alive == 0);
}

TEST_CASE("Q-4: two consumers share 10,000 items", "[sync][queue]") {
  queue<int> q;
  std::vector<numbers> got(2);
  test_loop loop;
  const auto put_all = [&]() -> task<> {
    for (int i = 0; i < 10'000; ++i) co_await q.put(i);
    q.close();
  };
  for (numbers& own : got) (void)loop.spawn(take_all, std::ref(q), std::ref(own));
  (void)loop.spawn(put_all);
  run_ready(loop);

  REQUIRE(got[0].size() + got[1].size() == 10'000);
  CHECK(got[0].size() == 5'000);
}

TEST_CASE("items stay in order however a queue fills and empties", "[sync][queue]") {
  queue<std::unique_ptr<int>> q(unbounded);
  std::deque<int> expected;
  int next = 0;
  for (int wave = 0; wave < 40; ++wave) {
    for (int i = 0; i < wave; ++i) {
      REQUIRE(q.try_put(std::make_unique<int>(next)));
      expected.push_back(next++);
    }
    for (int i = 0; i < wave - wave % 3; ++i) {
      REQUIRE(**q.try_get() == expected.front());
      expected.pop_front();
    }
    REQUIRE(q.size() == expected.size());
  }
  while (auto item = q.try_get()) {
    REQUIRE(**item == expected.front());
    expected.pop_front();
  }
  REQUIRE(expected.empty());
  REQUIRE(q.try_put(std::make_unique<int>(1)));
  REQUIRE(q.try_put(std::make_unique<int>(2)));  // both go with the queue
}

TEST_CASE("a getter that leaves its promised item wakes the next, and the order stays",
          "[sync][queue]") {
  queue<int> q;
  cetane::event other;
  numbers got;
  test_loop loop;
  const auto event_or_item = [&]() -> task<> {
    auto turn = co_await cetane::first(other.wait(), q.get());
    CHECK(std::get<0>(turn));
  };
  (void)loop.spawn(event_or_item);
  for (int i = 0; i < 3; ++i) (void)loop.spawn(take, std::ref(q), 1, std::ref(got), nullptr);
  run_ready(loop);
  for (int i = 0; i < 3; ++i) REQUIRE(q.try_put(i));
  other.set();  // the first gives its item to the last, who waits still
  run_ready(loop);

  REQUIRE(got == numbers{0, 1, 2});
  REQUIRE(q.empty());
  REQUIRE(loop.loop().stats().tasks_alive == 0);
}

TEST_CASE("NEW-22: what never waits does not give up the turn", "[sync][queue]") {
  queue<int> q;
  test_loop loop;
  loop.run([&]() -> task<> {
    const auto before = loop.loop().stats().resumes;
    CHECK(q.try_put(1));
    co_await q.put(2);
    CHECK(q.try_get() == 1);
    CHECK(q.try_get() == 2);
    CHECK_FALSE(q.try_get());
    CHECK(loop.loop().stats().resumes == before);
  });
}

TEST_CASE("who puts into a full queue waits, in line", "[sync][queue]") {
  queue<int> q(2);
  test_loop loop;
  const auto put_one = [&](int item) -> task<> { co_await q.put(item); };
  for (int i = 0; i < 5; ++i) (void)loop.spawn(put_one, i);
  run_ready(loop);
  REQUIRE(q.size() == 2);
  REQUIRE(loop.loop().stats().tasks_alive == 3);
  CHECK_THAT(loop.loop().dump_tasks(), ContainsSubstring("queue put, 2 of 2 queued"));

  CHECK(q.try_get() == 0);
  CHECK_FALSE(q.try_put(9));  // the room is promised to the first in line
  run_ready(loop);
  for (int i = 1; i < 5; ++i) {
    CHECK(q.try_get() == i);
    run_ready(loop);
  }
  REQUIRE(q.empty());
}

TEST_CASE("a cancelled put leaves the line and its item out", "[sync][queue]") {
  queue<int> q(1);
  test_loop loop;
  const auto put_one = [&](int item) -> task<> { co_await q.put(item); };
  (void)loop.spawn(put_one, 0);
  auto second = loop.spawn(put_one, 1);
  (void)loop.spawn(put_one, 2);
  run_ready(loop);
  second.cancel();
  run_ready(loop);
  CHECK(q.try_get() == 0);
  run_ready(loop);
  CHECK(q.try_get() == 2);
  run_ready(loop);
  REQUIRE(q.empty());
}

TEST_CASE("a put that was cancelled can be awaited again with its item", "[sync][queue]") {
  queue<std::unique_ptr<int>> q(1);
  test_loop loop;
  loop.run([&]() -> task<> {
    CHECK(q.try_put(std::make_unique<int>(1)));
    auto put = q.put(std::make_unique<int>(2));
    const bool in_time = co_await cetane::move_on_after(1ms, put);
    CHECK_FALSE(in_time);
    CHECK(**q.try_get() == 1);
    co_await put;
    CHECK(**q.try_get() == 2);
  });
}

TEST_CASE("a closed queue gives what is in it and then ends", "[sync][queue]") {
  queue<int> q;
  numbers got;
  test_loop loop;
  REQUIRE(q.try_put(1));
  REQUIRE(q.try_put(2));
  q.close();
  REQUIRE_FALSE(q.try_put(3));
  (void)loop.spawn(take_all, std::ref(q), std::ref(got));
  run_ready(loop);
  REQUIRE(got == numbers{1, 2});
  REQUIRE_THROWS_AS(loop.run([&]() -> task<> { (void)co_await q.get(); }), queue_closed);
  REQUIRE_THROWS_AS(loop.run([&]() -> task<> { co_await q.put(4); }), queue_closed);
}

TEST_CASE("a closed queue refuses also those whose turn is over", "[sync][queue]") {
  queue<int> q;
  q.close();
  int refused = 0;
  test_loop loop;
  (void)loop.spawn([&]() -> task<> {
    for (int i = 0; i < 1000; ++i) {
      try {
        co_await q.put(i);
      } catch (const queue_closed&) {
        ++refused;
      }
    }
    for (int i = 0; i < 1000; ++i) REQUIRE_FALSE(co_await q.next());
  });
  run_ready(loop);
  REQUIRE(refused == 1000);
  REQUIRE(loop.loop().stats().tasks_alive == 0);
}

TEST_CASE("closing a queue wakes all who wait", "[sync][queue]") {
  queue<int> q(1);
  numbers got;
  int refused = 0;
  test_loop loop;
  for (int i = 0; i < 3; ++i) (void)loop.spawn(take_all, std::ref(q), std::ref(got));
  run_ready(loop);
  CHECK_THAT(loop.loop().dump_tasks(), ContainsSubstring("queue get, 0 of 1 queued"));
  q.close();
  run_ready(loop);
  REQUIRE(loop.loop().stats().tasks_alive == 0);

  queue<int> full(1);
  REQUIRE(full.try_put(0));
  const auto put_one = [&]() -> task<> {
    try {
      co_await full.put(1);
    } catch (const queue_closed&) {
      ++refused;
    }
  };
  (void)loop.spawn(put_one);
  (void)loop.spawn(put_one);
  run_ready(loop);
  full.close();
  run_ready(loop);
  REQUIRE(refused == 2);
  REQUIRE(full.try_get() == 0);
}

TEST_CASE("who was promised room before the queue was closed still puts", "[sync][queue]") {
  queue<int> q(1);
  numbers got;
  test_loop loop;
  REQUIRE(q.try_put(0));
  const auto put_one = [&]() -> task<> { co_await q.put(1); };
  auto putting = loop.spawn(put_one);
  run_ready(loop);
  REQUIRE(q.try_get() == 0);
  q.close();
  (void)loop.spawn(take_all, std::ref(q), std::ref(got));
  run_ready(loop);

  REQUIRE(putting.done());
  REQUIRE(got == numbers{1});
  REQUIRE(loop.loop().stats().tasks_alive == 0);
}

TEST_CASE("an item that was promised to a cancelled task goes to it or to the next",
          "[sync][queue]") {
  queue<int> q;
  std::vector<numbers> got(2);
  test_loop loop;
  auto first = loop.spawn(take, std::ref(q), 2, std::ref(got[0]), nullptr);
  (void)loop.spawn(take, std::ref(q), 1, std::ref(got[1]), nullptr);
  run_ready(loop);
  REQUIRE(q.try_put(1));
  first.cancel();  // after it was woken: it has the item, and its next await throws
  REQUIRE(q.try_put(2));
  run_ready(loop);

  REQUIRE(got[0] == numbers{1});
  REQUIRE(got[1] == numbers{2});
}

TEST_CASE("a loop that ends gives promised items back to the queue", "[sync][queue]") {
  queue<int> q;
  numbers got;
  {
    test_loop loop;
    (void)loop.spawn(take, std::ref(q), 1, std::ref(got), nullptr);
    (void)loop.spawn(take, std::ref(q), 1, std::ref(got), nullptr);
    run_ready(loop);
    REQUIRE(q.try_put(1));
    REQUIRE(q.try_put(2));
    REQUIRE(q.empty());
  }
  REQUIRE(got.empty());
  REQUIRE(q.try_get() == 1);
  REQUIRE(q.try_get() == 2);
}

TEST_CASE("W10: an exception that is an item is an item", "[sync][queue]") {
  queue<std::exception_ptr> q;
  test_loop loop;
  loop.run([&]() -> task<> {
    co_await q.put(std::make_exception_ptr(std::runtime_error("only an item")));
    const std::exception_ptr item = co_await q.get();
    CHECK(item != nullptr);
  });
}

TEST_CASE("an unbounded queue takes all, one for nothing is refused", "[sync][queue]") {
  queue<int> q(unbounded);
  for (int i = 0; i < 5000; ++i) REQUIRE(q.try_put(i));
  REQUIRE(q.size() == 5000);
  REQUIRE(queue<int>().limit() == cetane::default_queue_limit);
  REQUIRE_THROWS_AS(queue<int>(0), std::invalid_argument);
}

}  // namespace queue_test
