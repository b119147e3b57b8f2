// Machines that lose their power, and start again.
#include "host_fixture.hpp"

#include <cetane/cetane.hpp>
#include <cetane/testing.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

namespace crash_test {

using namespace cetane;
using namespace cetane::test;
using namespace cetane::testing;
using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("a crash in the middle of a send: silence, then a reset once the host is up again",
          "[testing][crash]") {
  simulate(20, [](world& w) -> task<> {
    w.faults_are(faults().latency(1ms, 20ms).split_reads().buffers(100));
    auto& db = w.host("db");
    collector heard;
    const auto& server = db.serve(service(collect, 80, std::ref(heard)));
    const auto send_much = [](std::uint16_t port) -> task<std::string> {
      connection c = co_await connect("db", port);
      std::exception_ptr failed;
      try {
        for (int i = 0; i < 1000; ++i) co_await c.send(std::string(1000, 'x'), "\n");
        co_await c.drain();
      } catch (const error&) {
        failed = std::current_exception();
      }
      co_return failed ? why(failed) : "all sent";
    };
    auto sending = w.host("web").spawn(send_much, server.port());
    co_await sleep(500ms + duration(w.random().uniform(0ms, 100ms)));
    const std::size_t before = heard.lines.size();
    REQUIRE(before > 0);
    REQUIRE(before < 1000);
    db.crash();
    REQUIRE_FALSE(db.up());
    REQUIRE(server.connections() == 0);
    co_await sleep(30s);
    REQUIRE_FALSE(sending.done());

    db.restart();
    const std::string outcome = co_await sending;

    REQUIRE_THAT(outcome, ContainsSubstring("reset"));
    REQUIRE(heard.lines.size() == before);
    REQUIRE(heard.end.empty());
    REQUIRE(w.open_connections() == 0);
  });
}

TEST_CASE("a program starts again with its host, and what it knew is gone", "[testing][crash]") {
  simulate(20, [](world& w) -> task<> {
    const auto count = [](connection& peer, int& visits) -> task<> {
      co_await peer.send(std::to_string(++visits), "\n");
    };
    auto& db = w.host("db");
    int starts = 0;
    auto program = db.run([&](application& app) {
      ++starts;
      app.add_service(service(count, 80, 0));
    });
    const auto visit = []() -> task<std::string> {
      connection c = co_await connect("db", 80);
      co_return co_await c.until_eol();
    };
    const std::string first = co_await visit();
    const std::string second = co_await visit();
    db.crash();
    REQUIRE_FALSE(program.running());
    const std::string down = co_await connect_outcome("db", 80);
    db.restart();
    REQUIRE(program.running());
    const std::string third = co_await visit();

    REQUIRE(first == "1\n");
    REQUIRE(second == "2\n");
    REQUIRE(down == "timeout");
    REQUIRE(third == "1\n");
    REQUIRE(starts == 2);
  });
}

TEST_CASE("who only listens learns of a crash by the reset that answers the question for it",
          "[testing][crash]") {
  world(1).run([](world& w) -> task<> {
    auto& db = w.host("db");
    const auto& server = db.serve(service(echo, 80));
    connection c = co_await connect("db", server.port());
    co_await sleep(1s);
    db.crash();
    const duration before = w.elapsed();
    co_await sleep(1s);
    db.restart();
    const std::string said = co_await line_or_error(c);

    REQUIRE_THAT(said, ContainsSubstring("reset"));
    REQUIRE(w.elapsed() - before == 60s);
  });
}

TEST_CASE("a host may crash by what one of its own tasks does", "[testing][crash]") {
  world(1).run([](world& w) -> task<> {
    auto& db = w.host("db");
    int turns = 0;
    const auto suicidal = [](testing::host& own, int& count) -> task<> {
      co_await sleep(1s);
      own.crash();
      ++count;
      co_await sleep(1s);
      ++count;
    };
    auto handle = db.spawn(suicidal, std::ref(db), std::ref(turns));
    co_await sleep(10s);

    REQUIRE_FALSE(db.up());
    REQUIRE(turns == 1);
    REQUIRE(handle.done());
    REQUIRE_THROWS_AS(db.crash(), std::logic_error);
    REQUIRE_THROWS_AS(db.loop(), std::logic_error);
    db.restart();
    REQUIRE_THROWS_AS(db.restart(), std::logic_error);
  });
}

TEST_CASE("a crash with connections waiting to be accepted and being made leaves none",
          "[testing][crash]") {
  simulate(50, [](world& w) -> task<> {
    w.faults_are(faults().latency(0ms, 20ms));
    auto& db = w.host("db");
    const auto& server = db.serve(service(echo, 80).max_connections(1));
    std::vector<join_handle<std::string>> all;
    const auto visit = [](std::uint16_t port) -> task<std::string> {
      std::exception_ptr failed;
      try {
        connection c = co_await connect("db", port);
        co_await c.send("hello\n");
        co_return co_await c.until_eol();
      } catch (const error&) {
        failed = std::current_exception();
      }
      co_return why(failed);
    };
    for (int i = 0; i < 5; ++i) all.push_back(spawn(visit, server.port()));
    co_await sleep(duration(w.random().uniform(0ms, 60ms)));
    db.crash();
    co_await sleep(duration(w.random().uniform(0ms, 10s)));
    db.restart();
    for (auto& each : all) {
      const std::string outcome = co_await each;
      CAPTURE(outcome);
      REQUIRE_FALSE(outcome.empty());
    }
    co_await sleep(3min);
    REQUIRE(w.open_connections() == 0);
  });
}

namespace {

struct story {
  std::uint64_t hash = 0;
  std::string log;
  std::vector<std::string> outcomes;

  bool operator==(const story&) const = default;
};

task<std::string> visit_often(world& w, std::string host) {
  std::string outcome;
  for (int i = 0; i < 10; ++i) {
    std::exception_ptr failed;
    try {
      connection c = co_await connect(host, 80).timeout(5s);
      co_await c.send("line ", std::to_string(i), "\n");
      const std::string line = co_await with_timeout(20s, c.until_eol());
      outcome += line;
    } catch (const error&) {
      failed = std::current_exception();
    }
    if (failed) outcome += fmt::format("{} at {}\n", why(failed), w.elapsed().count());
    co_await sleep(1s);
  }
  co_return outcome;
}

std::vector<story> stories(std::size_t seeds) {
  std::vector<story> all;
  simulate(seeds, [&](world& w) -> task<> {
    w.faults_are(faults().latency(0ms, 50ms).split_reads(3).buffers(64));
    w.names_take(0ms, 100ms);
    w.names_fail(0.1);
    auto& a = w.host("a");
    auto& b = w.host("b");
    const auto serve_echo = [](application& app) { app.add_service(service(echo, 80)); };
    auto on_a = a.run(serve_echo);
    auto on_b = b.run(serve_echo);
    auto from_a = a.spawn(visit_often, std::ref(w), "b");
    auto from_c = w.host("c").spawn(visit_often, std::ref(w), "a");
    auto from_here = spawn(visit_often, std::ref(w), "b");
    w.partition(a, b, 1s, 10s);
    co_await sleep(duration(w.random().uniform(0ms, 5s)));
    b.crash();
    co_await sleep(duration(w.random().uniform(0ms, 5s)));
    b.restart();
    w.partition(w.host("c"), a, 1s, 3s);
    story told;
    told.outcomes.push_back(co_await from_a);
    told.outcomes.push_back(co_await from_c);
    told.outcomes.push_back(co_await from_here);
    co_await sleep(2min);
    told.hash = w.trace_hash();
    told.log = w.log_tail(100'000);
    all.push_back(std::move(told));
  });
  return all;
}

}  // namespace

TEST_CASE("several hosts, cuts and crashes: the same seed gives the same run, byte for byte",
          "[testing][crash]") {
  const std::vector<story> first = stories(30);
  const std::vector<story> second = stories(30);

  REQUIRE(first.size() == 30);
  REQUIRE(first == second);
  for (std::size_t i = 1; i < first.size(); ++i) REQUIRE(first[i].hash != first[0].hash);
}

}  // namespace crash_test
