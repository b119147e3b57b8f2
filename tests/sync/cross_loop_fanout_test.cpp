#include <cetane/sync/cross_loop_fanout.hpp>

#include <cetane/base/errors.hpp>

#include <catch2/catch_test_macros.hpp>
#include <sync/sync_fixture.hpp>

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace cross_loop_fanout_test {

using cetane::cross_loop_fanout;
using cetane::event_loop;
using cetane::fell_behind;
using cetane::queue_closed;
using cetane::subscription;
using cetane::task;
using cetane::time_point;
using cetane::when_full;
using cetane::test::test_loop;

namespace {

using words = std::vector<std::string>;

void turn(event_loop& loop) { loop.run_once(time_point::min()); }

// Runs `fn` as a message of that loop, on which it is at home then.
void on(event_loop& loop, std::function<void()> fn) {
  REQUIRE(loop.post(std::move(fn)));
  turn(loop);
}

words take(subscription<std::string>& from) {
  words all;
  while (auto next = from.try_get()) all.push_back(std::move(*next));
  return all;
}

/// Two loops in turn on one thread, each with somebody who hears.
struct two_loops {
  explicit two_loops(std::size_t limit = 1024) : talk(limit) {
    on(here, [this] { heard_here = talk.subscribe(); });
    on(there, [this] { heard_there = talk.subscribe(); });
  }
  void publish_here(const std::string& word) {
    on(here, [&] { talk.publish(word); });
  }
  void publish_there(const std::string& word) {
    on(there, [&] { talk.publish(word); });
  }

  test_loop here;
  test_loop there;
  cross_loop_fanout<std::string> talk;
  std::optional<subscription<std::string>> heard_here;
  std::optional<subscription<std::string>> heard_there;
};

}  // namespace

TEST_CASE("subscribers on all loops hear all messages, and in one order", "[sync][fanout]") {
  two_loops test;

  test.publish_here("a");
  test.publish_there("b");
  test.publish_there("c");
  test.publish_here("d");
  turn(test.there);

  REQUIRE(take(*test.heard_here) == words{"a", "b", "c", "d"});
  REQUIRE(take(*test.heard_there) == words{"a", "b", "c", "d"});
  REQUIRE(test.talk.subscribers() == 2);
}

TEST_CASE("the own loop has a message by the time that publish() returns", "[sync][fanout]") {
  two_loops test;

  on(test.here, [&] {
    test.talk.publish("now");
    CHECK(take(*test.heard_here) == words{"now"});
  });
}

TEST_CASE("a subscriber that waits is woken by a message from another loop", "[sync][fanout]") {
  test_loop here;
  test_loop there;
  cross_loop_fanout<std::string> talk;
  words heard;
  auto hear = [&]() -> task<> {
    auto own = talk.subscribe();
    while (auto word = co_await own.next()) heard.push_back(*word);
  };
  auto running = here.spawn(hear);
  turn(here);

  on(there, [&] { talk.publish("hello"); });
  turn(here);

  REQUIRE(heard == words{"hello"});
  running.cancel();
  turn(here);
  REQUIRE(talk.subscribers() == 0);
}

TEST_CASE("a subscription hears nothing that was published before it, looked at or not",
          "[sync][fanout]") {
  two_loops test;
  std::optional<subscription<std::string>> late;

  on(test.here, [&] { test.talk.publish("before"); });
  on(test.there, [&] { CHECK(take(*test.heard_there) == words{"before"}); });
  on(test.here, [&] { test.talk.publish("unseen"); });
  REQUIRE(test.there.loop().post([&] { late = test.talk.subscribe(); }));
  turn(test.there);
  test.publish_here("after");
  turn(test.there);

  REQUIRE(take(*late) == words{"after"});
  REQUIRE(take(*test.heard_there) == words{"unseen", "after"});
}

TEST_CASE("what piles up for a loop is told a few messages at a time, and loses nobody",
          "[sync][fanout]") {
  two_loops test;
  bool shown_out = false;
  std::size_t heard = 0;
  auto hear = [&]() -> task<> {
    auto own = test.talk.subscribe(32, [&] { shown_out = true; });
    for (;; ++heard) (void)co_await own.get();
  };
  (void)test.there.spawn(hear);
  turn(test.there);

  for (int i = 0; i < 500; ++i) test.publish_here("word");
  for (int i = 0; i < 3; ++i) test.publish_there("own");  // behind the others
  for (int i = 0; i < 100; ++i) turn(test.there);

  REQUIRE_FALSE(shown_out);
  REQUIRE(heard == 503);
  const words all = take(*test.heard_there);
  REQUIRE(all.size() == 503);
  REQUIRE(all[499] == "word");
  REQUIRE(all[502] == "own");
}

TEST_CASE("who subscribes while messages wait hears those behind them", "[sync][fanout]") {
  two_loops test;
  std::vector<subscription<std::string>> late;

  for (int i = 0; i < 40; ++i) test.publish_here(std::to_string(i));
  for (int i = 40; i < 45; ++i) {  // each pass tells some of the old ones
    on(test.there, [&] { late.push_back(test.talk.subscribe()); });
    test.publish_here(std::to_string(i));
  }
  for (int i = 0; i < 10; ++i) turn(test.there);

  REQUIRE(take(*test.heard_there).size() == 45);
  for (std::size_t i = 0; i < late.size(); ++i) {
    const words heard = take(late[i]);
    REQUIRE(heard.size() == 5 - i);
    REQUIRE(heard.front() == std::to_string(40 + i));
  }
}

TEST_CASE("who has left before its first message hears nothing", "[sync][fanout]") {
  two_loops test;
  for (int i = 0; i < 40; ++i) test.publish_here("word");

  on(test.there, [&] { (void)test.talk.subscribe(); });
  for (int i = 0; i < 10; ++i) turn(test.there);

  REQUIRE(test.talk.subscribers() == 2);
  REQUIRE(take(*test.heard_there).size() == 40);
}

TEST_CASE("without a loop one may publish, but not subscribe", "[sync][fanout]") {
  two_loops test;

  test.talk.publish("from outside");
  REQUIRE_THROWS_AS(test.talk.subscribe(), std::logic_error);
  turn(test.here);
  turn(test.there);

  REQUIRE(take(*test.heard_here) == words{"from outside"});
  REQUIRE(take(*test.heard_there) == words{"from outside"});
}

TEST_CASE("a slow subscriber loses its own messages only, whatever loop it is on",
          "[sync][fanout]") {
  two_loops test;
  std::optional<subscription<std::string>> oldest;
  std::optional<subscription<std::string>> newest;
  on(test.there, [&] {
    oldest = test.talk.subscribe(2, when_full::drop_oldest);
    newest = test.talk.subscribe(2, when_full::drop_newest);
  });

  for (const char* word : {"a", "b", "c"}) test.publish_here(word);
  turn(test.there);

  REQUIRE(take(*oldest) == words{"b", "c"});
  REQUIRE(take(*newest) == words{"a", "b"});
  REQUIRE(oldest->lost() == 1);
  REQUIRE(newest->lost() == 1);
  REQUIRE(take(*test.heard_there) == words{"a", "b", "c"});
  REQUIRE(take(*test.heard_here) == words{"a", "b", "c"});
}

TEST_CASE("who falls behind is shown out once, on its own loop", "[sync][fanout]") {
  two_loops test;
  int told = 0;
  std::optional<subscription<std::string>> slow;
  on(test.there, [&] {
    slow = test.talk.subscribe(1, [&] {
      ++told;
      CHECK(event_loop::current() == &test.there.loop());
    });
  });

  for (const char* word : {"a", "b", "c"}) test.publish_here(word);
  REQUIRE(told == 0);
  turn(test.there);

  REQUIRE(told == 1);
  REQUIRE(take(*slow) == words{"a"});
  on(test.there, [&] {
    (void)test.there.spawn([&]() -> task<> {
      bool behind = false;
      try {
        (void)co_await slow->get();
      } catch (const fell_behind&) {
        behind = true;
      }
      CHECK(behind);
    });
  });
  REQUIRE(take(*test.heard_there) == words{"a", "b", "c"});
}

TEST_CASE("a loop that does not keep up loses the oldest messages, and its subscribers are told",
          "[sync][fanout]") {
  two_loops test(3);
  bool told = false;
  std::optional<subscription<std::string>> strict;
  on(test.there, [&] { strict = test.talk.subscribe(1024, [&] { told = true; }); });

  for (const char* word : {"a", "b", "c", "d", "e"}) test.publish_here(word);
  turn(test.there);

  REQUIRE(take(*test.heard_here) == words{"a", "b", "c", "d", "e"});
  REQUIRE(take(*test.heard_there) == words{"c", "d", "e"});
  REQUIRE(test.heard_there->lost() == 2);
  REQUIRE(told);
  test.publish_here("f");
  turn(test.there);
  REQUIRE(take(*test.heard_there) == words{"f"});
  REQUIRE(take(*strict).empty());
}

TEST_CASE("what a loop has lost before somebody subscribed there is no loss of theirs",
          "[sync][fanout]") {
  two_loops test(40);
  std::optional<subscription<std::string>> late;

  for (int i = 0; i < 40; ++i) test.publish_here(std::to_string(i));
  on(test.there, [&] { late = test.talk.subscribe(); });  // of which some are told before
  const std::size_t told = take(*test.heard_there).size();
  REQUIRE(told < 40);
  for (int i = 40; i < 80; ++i) test.publish_here(std::to_string(i));  // the others are lost
  for (int i = 0; i < 10; ++i) turn(test.there);

  const words heard = take(*late);
  REQUIRE(heard.size() == 40);
  REQUIRE(heard.front() == "40");
  REQUIRE(late->lost() == 0);
  REQUIRE(test.heard_there->lost() == 40 - told);
}

TEST_CASE("what a subscriber's function publishes comes behind, for all", "[sync][fanout]") {
  two_loops test;
  std::optional<subscription<std::string>> slow;
  on(test.there, [&] {
    slow = test.talk.subscribe(1, [&] {
      test.talk.publish("* shown out");
      slow.reset();
    });
  });

  for (const char* word : {"a", "b", "c"}) test.publish_here(word);
  turn(test.there);
  turn(test.here);
  turn(test.there);

  REQUIRE(take(*test.heard_here) == words{"a", "b", "c", "* shown out"});
  REQUIRE(take(*test.heard_there) == words{"a", "b", "c", "* shown out"});
  REQUIRE(test.talk.subscribers() == 2);
}

TEST_CASE("the last subscriber of a loop may go while it is told, and another one come",
          "[sync][fanout]") {
  two_loops test;
  on(test.there,
     [&] { test.heard_there = test.talk.subscribe(1, [&] { test.heard_there.reset(); }); });

  for (const char* word : {"a", "b", "c"}) test.publish_here(word);
  turn(test.there);
  REQUIRE_FALSE(test.heard_there);
  REQUIRE(test.talk.subscribers() == 1);
  on(test.there, [&] { test.heard_there = test.talk.subscribe(); });
  test.publish_here("d");
  turn(test.there);

  REQUIRE(take(*test.heard_there) == words{"d"});
}

TEST_CASE("the end of a fanout across loops ends its subscriptions, each on its loop",
          "[sync][fanout]") {
  test_loop here;
  test_loop there;
  words heard_here;
  words heard_there;
  {
    cross_loop_fanout<std::string> talk;
    auto hear = [&](words& heard) -> task<> {
      auto own = talk.subscribe();
      while (auto word = co_await own.next()) heard.push_back(*word);
      heard.push_back("end");
    };
    (void)here.spawn(hear, std::ref(heard_here));
    (void)there.spawn(hear, std::ref(heard_there));
    turn(here);
    turn(there);
    on(here, [&] { talk.publish("last"); });
  }
  turn(there);
  turn(here);
  turn(here);

  REQUIRE(heard_here == words{"last", "end"});
  REQUIRE(heard_there == words{"last", "end"});
}

TEST_CASE("messages that nobody can hear any more are not kept", "[sync][fanout]") {
  test_loop here;
  std::optional<test_loop> there(std::in_place);
  cross_loop_fanout<std::shared_ptr<int>> talk;
  std::optional<subscription<std::shared_ptr<int>>> heard;
  on(here, [&] { heard = talk.subscribe(); });
  on(*there, [&] {
    (void)there->spawn([&]() -> task<> {
      auto own = talk.subscribe();
      for (;;) (void)co_await own.get();
    });
  });
  turn(*there);
  REQUIRE(talk.subscribers() == 2);
  const auto message = std::make_shared<int>(1);

  on(here, [&] { talk.publish(message); });
  there.reset();  // its subscriber ends with it, and had not been told
  REQUIRE(talk.subscribers() == 1);
  heard.reset();

  REQUIRE(message.use_count() == 1);
}

TEST_CASE("no room at all is refused", "[sync][fanout]") {
  REQUIRE_THROWS_AS(cross_loop_fanout<int>(0), std::invalid_argument);
  two_loops test;
  on(test.here, [&] { CHECK_THROWS_AS(test.talk.subscribe(0), std::invalid_argument); });
  test.publish_here("still works");
  REQUIRE(take(*test.heard_here) == words{"still works"});
}

namespace {

struct saying {
  int by;
  int number;
};

// Several threads with a loop each, with a publisher and two subscribers on each.
class town {
 public:
  static constexpr int loops = 4;
  static constexpr int lines = 500;
  static constexpr std::size_t all = std::size_t{loops} * lines;

  std::vector<std::vector<saying>> run() {
    std::vector<std::thread> threads;
    for (int i = 0; i < loops; ++i) threads.emplace_back([this, i] { live(i); });
    for (std::thread& each : threads) each.join();
    return heard_;
  }

 private:
  void live(int number) {
    test_loop loop;
    auto& first = heard_[static_cast<std::size_t>(2 * number)];
    auto& second = heard_[static_cast<std::size_t>(2 * number + 1)];
    (void)loop.spawn([&]() -> task<> { co_await hear(first); });
    (void)loop.spawn([&]() -> task<> { co_await hear(second); });
    (void)loop.spawn([&]() -> task<> { co_await say(number); });
    loop.loop().run_until([&] { return first.size() == all && second.size() == all; });
  }

  task<> hear(std::vector<saying>& heard) {
    auto own = talk_.subscribe(all);
    for (;;) heard.push_back(co_await own.get());
  }

  task<> say(int by) {
    while (talk_.subscribers() != std::size_t{2 * loops}) co_await cetane::yield();
    for (int number = 0; number < lines; ++number) {
      talk_.publish(saying{by, number});
      if (number % 7 == 0) co_await cetane::yield();
    }
  }

  cross_loop_fanout<saying> talk_;
  std::vector<std::vector<saying>> heard_ = std::vector<std::vector<saying>>(2 * loops);
};

}  // namespace

// A simulated loop takes no part in real time.
TEST_CASE("four threads talk at a time: each hears all once, in one order for all",
          "[sync][fanout][not-sim]") {
  const auto heard = town().run();

  for (const auto& own : heard) {
    REQUIRE(own.size() == town::all);
    std::vector<int> next(town::loops, 0);
    for (std::size_t i = 0; i < own.size(); ++i) {
      REQUIRE(own[i].number == next[static_cast<std::size_t>(own[i].by)]++);
      REQUIRE(own[i].by == heard[0][i].by);
      REQUIRE(own[i].number == heard[0][i].number);
    }
  }
}

}  // namespace cross_loop_fanout_test
