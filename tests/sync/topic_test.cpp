#include <cetane/sync/topic.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <sync/sync_fixture.hpp>

#include <exception>
#include <stdexcept>
#include <string>
#include <vector>

namespace topic_test {

using Catch::Matchers::ContainsSubstring;
using cetane::task;
using cetane::topic;
using cetane::test::run_ready;
using cetane::test::test_loop;

namespace {

task<> count(topic<std::string>& news, int& heard) {
  for (;;) {
    const std::string headline = co_await news.wait();
    CHECK(headline == "headline");
    ++heard;
  }
}

}  // namespace

TEST_CASE("FIRE-1: two fires, one after the other, are heard twice by the one who waits",
          "[sync][topic]") {
  topic<std::string> news;
  int heard = 0;
  test_loop loop;
  (void)loop.spawn(count, std::ref(news), std::ref(heard));
  run_ready(loop);
  CHECK_THAT(loop.loop().dump_tasks(), ContainsSubstring("topic"));
  REQUIRE(news.fire("headline") == 1);
  run_ready(loop);
  REQUIRE(news.fire("headline") == 1);
  run_ready(loop);

  REQUIRE(heard == 2);
}

TEST_CASE("FIRE-2: two who wait hear two fires each", "[sync][topic]") {
  topic<std::string> news;
  int heard = 0;
  test_loop loop;
  (void)loop.spawn(count, std::ref(news), std::ref(heard));
  (void)loop.spawn(count, std::ref(news), std::ref(heard));
  for (int i = 0; i < 2; ++i) {
    run_ready(loop);
    REQUIRE(news.fire("headline") == 2);
  }
  run_ready(loop);

  REQUIRE(heard == 4);
}

TEST_CASE("what is fired when nobody waits is not kept", "[sync][topic]") {
  topic<std::string> news;
  int heard = 0;
  test_loop loop;
  REQUIRE(news.fire("headline") == 0);
  (void)loop.spawn(count, std::ref(news), std::ref(heard));
  run_ready(loop);
  REQUIRE(news.fire("headline") == 1);
  REQUIRE(news.fire("headline") == 0);  // the one that was woken does not wait
  run_ready(loop);

  REQUIRE(heard == 1);
}

TEST_CASE("W12: a fire wakes in the order in which they wait", "[sync][topic]") {
  topic<int> news;
  std::string order;
  test_loop loop;
  const auto wait_once = [&](char name) -> task<> {
    (void)co_await news.wait();
    order += name;
  };
  for (const char name : {'f', 'e', 'd', 'c'}) (void)loop.spawn(wait_once, name);
  run_ready(loop);
  REQUIRE(news.fire(1) == 4);
  run_ready(loop);

  REQUIRE(order == "fedc");
}

TEST_CASE("W10: an exception that is fired is a value", "[sync][topic]") {
  topic<std::exception_ptr> news;
  test_loop loop;
  bool heard = false;
  const auto wait_once = [&]() -> task<> { heard = (co_await news.wait()) != nullptr; };
  (void)loop.spawn(wait_once);
  run_ready(loop);
  REQUIRE(news.fire(std::make_exception_ptr(std::runtime_error("only a value"))) == 1);
  run_ready(loop);

  REQUIRE(heard);
}

TEST_CASE("NEW-22: a fire does not give up the turn", "[sync][topic]") {
  topic<std::string> news;
  int heard = 0;
  test_loop loop;
  (void)loop.spawn(count, std::ref(news), std::ref(heard));
  run_ready(loop);
  loop.run([&]() -> task<> {
    CHECK(news.fire("headline") == 1);
    CHECK(heard == 0);
    co_await cetane::yield();
    CHECK(heard == 1);
  });
}

}  // namespace topic_test
