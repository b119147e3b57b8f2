#include <cetane/sync/fanout.hpp>

#include <cetane/base/errors.hpp>

#include <catch2/catch_test_macros.hpp>
#include <sync/sync_fixture.hpp>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace fanout_test {

using cetane::fanout;
using cetane::fell_behind;
using cetane::queue_closed;
using cetane::subscription;
using cetane::task;
using cetane::when_full;
using cetane::test::run_ready;
using cetane::test::test_loop;

namespace {

using words = std::vector<std::string>;

task<> hear(subscription<std::string> from, words& heard) {
  while (auto said = co_await from.next()) heard.push_back(*said);
}

words take_all(test_loop& loop, subscription<std::string>& from) {
  words all;
  loop.run([&]() -> task<> {
    while (from.size() != 0) all.push_back(co_await from.get());
  });
  return all;
}

}  // namespace

TEST_CASE("FAN-1: 10 subscribers hear 10 messages each in their order, and leave nothing",
          "[sync][fanout]") {
  std::vector<words> heard(10);
  words said;
  test_loop loop;
  {
    fanout<std::string> talk;
    for (words& own : heard) (void)loop.spawn(hear, talk.subscribe(), std::ref(own));
    run_ready(loop);
    REQUIRE(talk.subscribers() == 10);
    for (int i = 0; i < 10; ++i) {
      said.push_back("message " + std::to_string(i));
      talk.publish(said.back());
      if (i % 3 == 0) run_ready(loop);
    }
  }
  run_ready(loop);

  for (const words& own : heard) CHECK(own == said);
  REQUIRE(loop.loop().stats().tasks_alive == 0);
}

TEST_CASE("who unsubscribes, by the end of its task or by a cancel, hears no more",
          "[sync][fanout]") {
  fanout<std::string> talk;
  words heard;
  test_loop loop;
  auto listening = loop.spawn(hear, talk.subscribe(), std::ref(heard));
  run_ready(loop);
  talk.publish("one");
  run_ready(loop);
  listening.cancel();
  run_ready(loop);
  REQUIRE(talk.subscribers() == 0);
  talk.publish("two");
  run_ready(loop);

  REQUIRE(heard == words{"one"});
}

TEST_CASE("who comes later does not hear what was said before", "[sync][fanout]") {
  fanout<std::string> talk;
  test_loop loop;
  talk.publish("one");
  auto late = talk.subscribe();
  talk.publish("two");
  REQUIRE(take_all(loop, late) == words{"two"});
}

TEST_CASE("what waits can be taken without waiting", "[sync][fanout]") {
  fanout<std::string> talk;
  auto heard = talk.subscribe();
  REQUIRE_FALSE(heard.try_get());
  talk.publish("one");
  talk.publish("two");
  REQUIRE(heard.try_get() == "one");
  REQUIRE(heard.try_get() == "two");
  REQUIRE_FALSE(heard.try_get());
}

TEST_CASE("a slow subscriber loses the oldest messages, or the newest, and can count them",
          "[sync][fanout]") {
  fanout<std::string> talk;
  test_loop loop;
  auto wants_news = talk.subscribe(2);
  auto wants_start = talk.subscribe(2, when_full::drop_newest);
  auto wants_all = talk.subscribe();
  for (const char* said : {"one", "two", "three", "four"}) talk.publish(said);

  REQUIRE(take_all(loop, wants_news) == words{"three", "four"});
  REQUIRE(wants_news.lost() == 2);
  REQUIRE(take_all(loop, wants_start) == words{"one", "two"});
  REQUIRE(wants_start.lost() == 2);
  REQUIRE(take_all(loop, wants_all).size() == 4);
  REQUIRE(wants_all.lost() == 0);
}

TEST_CASE("a subscriber with a function is shown out when it falls behind, once",
          "[sync][fanout]") {
  fanout<std::string> talk;
  int called = 0;
  test_loop loop;
  auto slow = talk.subscribe(2, [&] { ++called; });
  for (const char* said : {"one", "two", "three", "four"}) talk.publish(said);
  REQUIRE(called == 1);

  REQUIRE(take_all(loop, slow) == words{"one", "two"});
  REQUIRE_THROWS_AS(loop.run([&]() -> task<> { (void)co_await slow.get(); }), fell_behind);
  REQUIRE_THROWS_AS(loop.run([&]() -> task<> { (void)co_await slow.next(); }), fell_behind);
}

TEST_CASE("the function of a slow subscriber may end subscriptions, publish, and fail",
          "[sync][fanout]") {
  fanout<std::string> talk;
  test_loop loop;
  auto first = std::make_unique<std::optional<subscription<std::string>>>();
  auto second = std::make_unique<std::optional<subscription<std::string>>>();
  auto calm = talk.subscribe();
  *first = talk.subscribe(1, [&, text = std::string("a text on the heap, and not in the closure")] {
    first->reset();
    second->reset();
    talk.publish(text);
  });
  *second = talk.subscribe(1, [&] { FAIL("it is gone already"); });
  auto failing = talk.subscribe(1, [] { throw std::runtime_error("a mistake of the test"); });
  talk.publish("one");
  talk.publish("two");

  REQUIRE(talk.subscribers() == 2);
  REQUIRE(take_all(loop, calm).size() == 3);
}

TEST_CASE("a subscription outlives its fanout, and ends", "[sync][fanout]") {
  test_loop loop;
  std::optional<subscription<std::string>> left;
  {
    fanout<std::string> talk;
    left = talk.subscribe();
    talk.publish("one");
  }
  REQUIRE(take_all(loop, *left) == words{"one"});
  REQUIRE_THROWS_AS(loop.run([&]() -> task<> { (void)co_await left->get(); }), queue_closed);
  loop.run([&]() -> task<> {
    const auto nothing = co_await left->next();
    CHECK_FALSE(nothing);
  });
}

TEST_CASE("a subscription that was moved away says so", "[sync][fanout]") {
  fanout<std::string> news;
  subscription<std::string> first = news.subscribe();
  subscription<std::string> second = std::move(first);

  CHECK_THROWS_AS(first.get(), std::logic_error);
  CHECK_THROWS_AS(first.next(), std::logic_error);
  CHECK_THROWS_AS(first.size(), std::logic_error);
  CHECK_THROWS_AS(first.lost(), std::logic_error);
  CHECK(second.size() == 0);
}

TEST_CASE("a message that goes may publish another one", "[sync][fanout]") {
  struct loud {
    ~loud() {
      if (auto* const to = std::exchange(tells, nullptr)) to->publish(nullptr);
    }
    fanout<std::shared_ptr<loud>>* tells = nullptr;
  };
  fanout<std::shared_ptr<loud>> news;
  const auto from = news.subscribe(1);
  auto message = std::make_shared<loud>();
  message->tells = &news;
  news.publish(std::move(message));

  news.publish(nullptr);  // the first one goes for it

  CHECK(from.size() == 1);
  CHECK(from.lost() == 2);
}

TEST_CASE("a subscription with room for nothing is refused", "[sync][fanout]") {
  fanout<std::string> talk;
  REQUIRE_THROWS_AS(talk.subscribe(0), std::invalid_argument);
  REQUIRE(talk.subscribers() == 0);
}

}  // namespace fanout_test
