// Queues, subscriptions and acceptors as arms of first().
#include <cetane/sync/dispatcher.hpp>
#include <cetane/sync/fanout.hpp>
#include <cetane/sync/queue.hpp>

#include <catch2/catch_template_test_macros.hpp>
#include <sync/arm_laws.hpp>

#include <memory>
#include <string>

namespace queue_arms_test {

using namespace cetane;
using namespace cetane::test;

namespace {

struct gets {
  static constexpr bool for_one = true;
  static constexpr bool gives_back = false;

  auto operation() { return items.get(); }
  void happen() { REQUIRE(items.try_put(7)); }
  bool had(const std::optional<int>& got) { return *got == 7 && items.empty(); }
  bool there() { return items.try_get() == 7 && items.empty(); }

  queue<int> items;
};

struct takes_next {
  static constexpr bool for_one = true;
  static constexpr bool gives_back = false;

  auto operation() { return items.next(); }
  void happen() { REQUIRE(items.try_put(7)); }
  bool had(const std::optional<std::optional<int>>& got) { return **got == 7 && items.empty(); }
  bool there() { return items.try_get() == 7 && items.empty(); }

  queue<int> items;
};

struct puts {
  static constexpr bool for_one = true;
  static constexpr bool gives_back = false;

  puts() { REQUIRE(items.try_put(1)); }
  auto operation() { return items.put(7); }
  void happen() { REQUIRE(items.try_get() == 1); }
  bool had(bool) { return items.size() == 1; }
  bool there() { return items.empty() && items.try_put(1) && !items.try_put(2); }

  queue<int> items{1};
};

struct hears {
  static constexpr bool for_one = true;
  static constexpr bool gives_back = false;

  auto operation() { return ear.get(); }
  void happen() { talk.publish("word"); }
  bool had(const std::optional<std::string>& got) { return *got == "word" && ear.size() == 0; }
  bool there() { return ear.size() == 1 && ear.lost() == 0; }

  fanout<std::string> talk;
  subscription<std::string> ear = talk.subscribe();
};

struct hears_next {
  static constexpr bool for_one = true;
  static constexpr bool gives_back = false;

  auto operation() { return ear.next(); }
  void happen() { talk.publish("word"); }
  bool had(const std::optional<std::optional<std::string>>& got) { return **got == "word"; }
  bool there() { return ear.size() == 1 && ear.lost() == 0; }

  fanout<std::string> talk;
  subscription<std::string> ear = talk.subscribe();
};

struct accepts {
  static constexpr bool for_one = true;
  static constexpr bool gives_back = false;

  auto operation() { return mine.get(); }
  void happen() { REQUIRE(jobs.dispatch(7)); }
  bool had(const std::optional<int>& got) { return *got == 7 && jobs.waiting() == 0; }
  bool there() { return mine.size() == 1 && jobs.waiting() == 1; }

  dispatcher<int> jobs;
  acceptor<int> mine = jobs.accept();
};

}  // namespace

TEMPLATE_TEST_CASE("what is in a queue, or has room in it, is for the arm that wins",
                   "[sync][first][queue]", gets, takes_next, puts, hears, hears_next, accepts) {
  check_laws_of_ready_arms<TestType>();
}

TEMPLATE_TEST_CASE("an item, or room for one, that comes for an arm is not lost when it loses",
                   "[sync][first][queue]", gets, takes_next, puts, hears, hears_next, accepts) {
  check_laws_of_waiting_arms<TestType>();
}

TEST_CASE("NEW-11: of two queues with an item the first gives it, and the other keeps its own",
          "[sync][first][queue]") {
  queue<int> one;
  queue<int> two;
  one.try_put(1);
  two.try_put(2);
  test_loop loop;
  loop.run([&]() -> task<> {
    auto turn = co_await first(two.get(), one.get());
    CHECK(engaged(turn) == 1);
    CHECK(std::get<0>(turn) == 2);
  });
  CHECK(one.try_get() == 1);
  CHECK(two.empty());
}

TEST_CASE("W1: a sleep of zero beside a queue with an item loses neither the item nor its turn",
          "[sync][first][queue]") {
  queue<int> q;
  q.try_put(1);
  q.try_put(2);
  test_loop loop;
  loop.run([&]() -> task<> {
    int got = 0;
    while (got < 2) {
      auto turn = co_await first(sleep(0.0), q.get());
      if (std::get<1>(turn)) CHECK(*std::get<1>(turn) == ++got);
    }
    const int before = got;
    auto silent = co_await first(q.get(), sleep(0.0));
    CHECK(engaged(silent) == 2);
    CHECK(before == 2);
  });
  CHECK(q.empty());
}

TEST_CASE("a put that loses has its item still, and can be awaited again", "[sync][first][queue]") {
  queue<std::unique_ptr<int>> q(1);
  event other;
  q.try_put(std::make_unique<int>(1));
  other.set();
  test_loop loop;
  loop.run([&]() -> task<> {
    auto put = q.put(std::make_unique<int>(2));
    auto turn = co_await first(put, other.wait());
    CHECK(engaged(turn) == 2);
    CHECK(**q.try_get() == 1);
    co_await put;
  });
  CHECK(**q.try_get() == 2);
}

TEST_CASE("a queue that is closed ends the arm that waits for it", "[sync][first][queue]") {
  queue<int> q;
  event other;
  test_loop loop;
  loop.run([&]() -> task<> {
    const auto wait_for_either = [&]() -> task<> { (void)co_await first(other.wait(), q.get()); };
    auto waiting = spawn(wait_for_either);
    co_await yield();
    q.close();
    const std::string text = co_await thrown_by(waiting);
    CHECK(text.find("closed") != std::string::npos);
    auto turn = co_await first(other.wait(), q.next());
    CHECK(engaged(turn) == 2);
    CHECK_FALSE(std::get<1>(turn)->has_value());
  });
  check_nothing_left(loop);
}

TEST_CASE("arms of one queue in two tasks take turns with its items", "[sync][first][queue]") {
  queue<int> q;
  event over;
  int got[2] = {0, 0};
  const auto take = [&](int who) -> task<> {
    for (;;) {
      auto turn = co_await first(q.get(), over.wait());
      if (!std::get<0>(turn)) co_return;
      ++got[who];
    }
  };
  test_loop loop;
  auto one = loop.spawn(take, 0);
  auto two = loop.spawn(take, 1);
  run_ready(loop);
  for (int item = 0; item < 100; ++item) {
    q.try_put(item);
    run_ready(loop);
  }
  over.set();
  run_ready(loop);
  CHECK(got[0] == 50);
  CHECK(got[1] == 50);
  check_nothing_left(loop);
}

TEST_CASE("an arm that loses may hand on to another arm of its own, which wakes nobody",
          "[sync][first][queue]") {
  queue<int> q;
  event other;
  test_loop loop;
  int turns = 0;
  const auto wait_for_one = [&]() -> task<> {
    auto turn = co_await first(other.wait(), q.get(), q.get());
    CHECK(engaged(turn) == 1);
    co_await sleep_until(never);
    ++turns;
  };
  auto waiting = loop.spawn(wait_for_one);
  run_ready(loop);
  q.try_put(1);
  other.set();
  run_ready(loop);
  CHECK(turns == 0);
  CHECK(q.size() == 1);
  waiting.cancel();
  run_ready(loop);
  CHECK(turns == 0);
  check_nothing_left(loop);
}

TEST_CASE("a subscriber that is shown out hears of it as an arm", "[sync][first][fanout]") {
  fanout<std::string> talk;
  event other;
  test_loop loop;
  loop.run([&]() -> task<> {
    auto slow = talk.subscribe(1, [] {});
    talk.publish("one");
    talk.publish("two");
    auto turn = co_await first(other.wait(), slow.get());
    CHECK(std::get<1>(turn) == "one");
    const auto again = [&]() -> task<> { (void)co_await first(other.wait(), slow.get()); };
    const std::string text = co_await thrown_by(again());
    CHECK(text.find("behind") != std::string::npos);
  });
  check_nothing_left(loop);
}

}  // namespace queue_arms_test
