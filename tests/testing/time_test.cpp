// Time travel, calls on other threads in virtual time, and what a test may say of a world at rest.
#include <cetane/cetane.hpp>
#include <cetane/testing.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <chrono>
#include <cstdint>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace time_test {

using namespace cetane;
using namespace cetane::testing;
using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;

namespace {

task<> echo(connection& peer) {
  for (;;) co_await peer.send(co_await peer.until_eol());
}

task<> relay(event& from, event& to) {
  co_await from.wait();
  co_await yield();
  to.set();
}

// A call that takes longer on this machine the earlier it began.
task<> call(std::vector<std::string>& ended, std::string name, std::chrono::milliseconds real) {
  const std::string answer = co_await thread(
      [](const std::string& what, std::chrono::milliseconds time) {
        std::this_thread::sleep_for(time);
        return what;
      },
      name, real);
  ended.push_back(answer);
}

}  // namespace

TEST_CASE("advance goes on when all that is ready at that time has had its turn",
          "[testing][advance]") {
  world(1).run([](world& w) -> task<> {
    event first, second, third, fourth;
    auto a = spawn(relay, std::ref(first), std::ref(second));
    auto b = w.host("db").spawn(relay, std::ref(second), std::ref(third));
    auto c = spawn(relay, std::ref(third), std::ref(fourth));
    auto starts = spawn(
        [](event& e) -> task<> {
          co_await sleep(1s);
          e.set();
        },
        std::ref(first));

    co_await w.advance(999ms);
    REQUIRE(w.elapsed() == 999ms);
    REQUIRE_FALSE(first.is_set());

    co_await w.advance(1ms);
    REQUIRE(w.elapsed() == 1s);
    REQUIRE(fourth.is_set());
    REQUIRE(w.quiet());
  });
}

TEST_CASE("a sleep of the same length goes on before that", "[testing][advance]") {
  world(1).run([](world&) -> task<> {
    event first, second;
    auto relaying = spawn(relay, std::ref(first), std::ref(second));
    auto starts = spawn(
        [](event& e) -> task<> {
          co_await sleep(1s);
          e.set();
        },
        std::ref(first));

    co_await sleep(1s);

    REQUIRE_FALSE(second.is_set());
    co_await relaying;
  });
}

TEST_CASE("advancing by nothing lets happen what happens now", "[testing][advance]") {
  world(1).run([](world& w) -> task<> {
    w.faults_are(faults().latency(0ms, 0ms));
    const auto& server = w.serve(service(echo, 80));
    connection c = co_await connect("echo", server.port());
    co_await c.send("there and back\n");
    co_await w.advance(0s);
    REQUIRE(w.elapsed() == 0s);
    REQUIRE(w.bytes_in_flight() == 0);

    const std::string line = co_await c.until_eol();
    REQUIRE(line == "there and back\n");
    REQUIRE(w.elapsed() == 0s);
  });
}

TEST_CASE("several travellers to the same time go on one after the other, first come first served",
          "[testing][advance]") {
  world(1).run([](world& w) -> task<> {
    std::vector<int> order;
    const auto travel = [](world& in, std::vector<int>& into, int number, duration span) -> task<> {
      co_await in.advance(span);
      into.push_back(number);
      co_await yield();
      into.push_back(number);
    };
    auto late = spawn(travel, std::ref(w), std::ref(order), 3, 2s);
    auto first = spawn(travel, std::ref(w), std::ref(order), 1, 1s);
    auto second = spawn(travel, std::ref(w), std::ref(order), 2, 1s);
    co_await late;
    REQUIRE(order == std::vector<int>{1, 1, 2, 2, 3, 3});
  });
}

TEST_CASE("time travel can be cancelled and given a limit", "[testing][advance]") {
  world(1).run([](world& w) -> task<> {
    const auto travel = [](world& in) -> task<> { co_await in.advance(1h); };
    const auto left = co_await move_on_after(1s, travel(w));
    REQUIRE_FALSE(left);
    REQUIRE(w.elapsed() == 1s);
    auto other = spawn(travel, std::ref(w));
    co_await yield();
    other.cancel();
    co_await w.advance(2h);
    REQUIRE(other.done());
    REQUIRE(w.live_tasks() == 0);
  });
}

TEST_CASE("what goes on is told by quiet() and counted", "[testing][quiet]") {
  world(1).run([](world& w) -> task<> {
    w.faults_are(faults().latency(1s, 1s));
    auto& db = w.host("db");
    REQUIRE(w.open_descriptors() == 0);
    const auto& server = db.serve(service(echo, 80));
    REQUIRE(w.open_descriptors() == 1);
    connection c = co_await connect("db", server.port());
    co_await w.advance(10s);
    REQUIRE(w.quiet());
    REQUIRE(w.open_descriptors() == 3);
    REQUIRE(w.live_tasks() == 1);
    REQUIRE(w.bytes_in_flight() == 0);

    co_await c.send("12345678\n");
    co_await w.advance(0s);
    REQUIRE(w.bytes_in_flight() == 9);
    std::ostringstream said;
    said << w.quiet();
    REQUIRE_FALSE(w.quiet());
    REQUIRE(said.str() == "1 things are on their way");

    co_await w.advance(10s);
    REQUIRE(w.quiet());
    REQUIRE(w.bytes_in_flight() == 0);

    auto ready = db.spawn([]() -> task<> { co_return; });
    REQUIRE(w.quiet().noise() == "tasks are ready on the host db");
    REQUIRE(w.live_tasks() == 2);
    co_await ready;
    REQUIRE(w.live_tasks() == 1);
  });
}

TEST_CASE("calls that run at once are answered in the order in which they began",
          "[testing][calls]") {
  world(1).run([](world& w) -> task<> {
    std::vector<std::string> ended;
    co_await all(call(ended, "one", 30ms), call(ended, "two", 20ms), call(ended, "three", 0ms));

    REQUIRE(ended == std::vector<std::string>{"one", "two", "three"});
    REQUIRE(w.elapsed() == 0s);
  });
}

TEST_CASE("a call is answered when nothing else is left to do at that time, or after many turns",
          "[testing][calls]") {
  const auto run = [](int turns, std::chrono::milliseconds real) {
    std::string story;
    world(1).run([&](world&) -> task<> {
      std::vector<std::string> ended;
      auto calling = spawn(call, std::ref(ended), "call", real);
      for (int i = 0; i < turns && ended.empty(); ++i) co_await yield();
      story = ended.empty() ? "busy first" : "call first";
      co_await calling;
    });
    return story;
  };

  REQUIRE(run(20, 0ms) == "busy first");
  REQUIRE(run(20, 5ms) == "busy first");
  REQUIRE(run(1'000'000, 0ms) == "call first");
  REQUIRE(run(1'000'000, 20ms) == "call first");
}

TEST_CASE("a call takes the virtual time that is drawn for it, however long it takes in fact",
          "[testing][calls]") {
  simulate(10, [](world& w) -> task<> {
    w.blocking_calls_take(1s, 2s);
    std::vector<std::string> ended;
    const duration before = w.elapsed();
    co_await call(ended, "slow", 10ms);
    REQUIRE(w.elapsed() - before >= 1s);
    REQUIRE(w.elapsed() - before <= 2s);

    w.heal();
    const duration healed = w.elapsed();
    co_await call(ended, "at once", 1ms);
    REQUIRE(w.elapsed() == healed);
    REQUIRE_THROWS_AS(w.blocking_calls_take(2s, 1s), std::invalid_argument);
  });
}

TEST_CASE("calls of several hosts are answered at the same times in every run",
          "[testing][calls]") {
  const auto run = [](std::size_t seeds, int hurry) {
    std::vector<std::string> stories;
    simulate(seeds, [&](world& w) -> task<> {
      w.faults_are(faults().shuffled_turns());
      w.blocking_calls_take(0ms, 10ms);
      std::vector<std::string> ended;
      const auto often = [](world& in, std::vector<std::string>& into, std::string who,
                            int real) -> task<> {
        for (int i = 0; i < 5; ++i) {
          co_await call(into, who, std::chrono::milliseconds(real));
          into.back() += fmt::format(" at {}", in.elapsed().count());
        }
      };
      auto one = w.host("one").spawn(often, std::ref(w), std::ref(ended), "one", hurry);
      auto two = w.host("two").spawn(often, std::ref(w), std::ref(ended), "two", 2 - hurry);
      co_await often(w, ended, "here", 1);
      co_await one;
      co_await two;
      std::string story = fmt::format("{}\n", w.trace_hash());
      for (const std::string& each : ended) story += each + "\n";
      stories.push_back(std::move(story));
    });
    return stories;
  };
  const auto first = run(10, 0), second = run(10, 2);

  REQUIRE(first.size() == 10);
  REQUIRE(first == second);
}

TEST_CASE("a call that nobody waits for any more holds nothing up", "[testing][calls]") {
  world(1).run([](world& w) -> task<> {
    w.blocking_calls_take(1h, 1h);
    std::vector<std::string> ended;
    const auto left = co_await move_on_after(1s, call(ended, "late", 1ms));
    REQUIRE_FALSE(left);
    REQUIRE(w.elapsed() == 1s);
    co_await w.advance(2h);
    REQUIRE(ended.empty());
    REQUIRE(w.quiet());
  });
}

TEST_CASE("a host that crashes while it calls leaves nothing behind", "[testing][calls]") {
  world(1).run([](world& w) -> task<> {
    w.blocking_calls_take(1s, 1s);
    std::vector<std::string> ended;
    auto& db = w.host("db");
    auto calling = db.spawn(call, std::ref(ended), "lost", 5ms);
    co_await sleep(500ms);
    db.crash();
    co_await w.advance(1min);
    REQUIRE(ended.empty());
    REQUIRE(w.live_tasks() == 0);
  });
}

}  // namespace time_test
