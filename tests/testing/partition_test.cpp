// Networks that are cut and mended.
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

namespace partition_test {

using namespace cetane;
using namespace cetane::test;
using namespace cetane::testing;
using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("what is sent while the network is cut arrives when it is mended, all and in order",
          "[testing][partition]") {
  simulate(20, [](world& w) -> task<> {
    w.faults_are(faults().latency(0ms, 20ms).split_reads());
    auto& db = w.host("db");
    auto& web = w.host("web");
    collector heard;
    const auto& server = db.serve(service(collect, 80, std::ref(heard)));
    const auto talk = [](int from, int to) -> task<> {
      connection c = co_await connect("db", 80);
      for (int i = from; i < to; ++i) {
        co_await c.send(std::to_string(i), "\n");
        co_await sleep(100ms);
      }
    };
    auto talking = web.spawn(talk, 0, 100);
    co_await sleep(2s);
    w.partition(db, web);
    co_await sleep(1s);
    const std::size_t before = heard.lines.size();
    co_await sleep(4s);
    REQUIRE(heard.lines.size() == before);
    REQUIRE(before < 30);

    w.reconnect(db, web);
    co_await talking;
    while (server.connections() > 0) co_await sleep(1s);

    REQUIRE(heard.lines.size() == 100);
    for (int i = 0; i < 100; ++i)
      REQUIRE(heard.lines[static_cast<std::size_t>(i)] == std::to_string(i));
    REQUIRE(heard.end == "end");
  });
}

TEST_CASE("what was cut off is sent again after as long again, at most", "[testing][partition]") {
  world(1).run([](world& w) -> task<> {
    w.faults_are(faults().latency(1ms, 1ms));
    auto& db = w.host("db");
    const auto& server = db.serve(service(echo, 80));
    connection c = co_await connect("db", server.port());
    w.partition(db);
    const duration cut = w.elapsed();
    co_await c.send("hello\n");
    co_await sleep(10s);
    w.reconnect(db);
    const std::string answer = co_await c.until_eol();

    REQUIRE(answer == "hello\n");
    REQUIRE(w.elapsed() - cut > 10s);
    REQUIRE(w.elapsed() - cut < 20s);
  });
}

TEST_CASE("what a host says to itself passes no network that could be cut",
          "[testing][partition]") {
  world(1).run([](world& w) -> task<> {
    auto& db = w.host("db");
    const auto& server = db.serve(service(echo, 80));
    w.partition(db, db);
    const duration before = w.elapsed();
    auto connecting = db.spawn(connect_outcome, "db", server.port());
    const std::string outcome = co_await connecting;

    REQUIRE(outcome == "connected");
    REQUIRE(w.elapsed() - before < 1s);
  });
}

TEST_CASE("a connect goes on asking while the network is cut", "[testing][partition]") {
  world(1).run([](world& w) -> task<> {
    auto& db = w.host("db");
    const auto& server = db.serve(service(echo, 80));
    w.partition(db);
    const duration before = w.elapsed();
    auto connecting = spawn(connect_outcome, "db", server.port());
    co_await sleep(2s);
    w.reconnect(db);
    const std::string outcome = co_await connecting;

    REQUIRE(outcome == "connected");
    REQUIRE(w.elapsed() - before >= 3s);
    REQUIRE(w.elapsed() - before < 4s);
  });
}

TEST_CASE("a connect whose answer is lost asks again, and one that nobody answers gives up",
          "[testing][partition]") {
  world(1).run([](world& w) -> task<> {
    auto& db = w.host("db");
    auto& web = w.host("web");
    const auto& server = db.serve(service(echo, 80));
    w.partition_one_way(db, web);
    auto heard_late = web.spawn(connect_outcome, "db", server.port());
    auto refused_late = web.spawn(connect_outcome, "db", 81);
    co_await sleep(2s);
    REQUIRE_FALSE(heard_late.done());
    REQUIRE_FALSE(refused_late.done());
    w.reconnect(web, db);
    const std::string heard = co_await heard_late;
    const std::string refused = co_await refused_late;

    w.partition(db, web);
    const duration before = w.elapsed();
    auto never_heard = web.spawn(connect_outcome, "db", server.port());
    const std::string timeout = co_await never_heard;

    REQUIRE(heard == "connected");
    REQUIRE_THAT(refused, ContainsSubstring("refused"));
    REQUIRE(timeout == "timeout");
    REQUIRE(w.elapsed() - before == 30s);
  });
}

TEST_CASE("the system gives up a connect that nobody answers after two minutes",
          "[testing][partition]") {
  world(1).run([](world& w) -> task<> {
    auto& db = w.host("db");
    w.partition(db);
    const auto patient = []() -> task<std::string> {
      std::exception_ptr failed;
      try {
        connection c = co_await connect("db", 80).timeout(1h);
      } catch (const connect_error&) {
        failed = std::current_exception();
      }
      co_return failed ? why(failed) : "connected";
    };
    const duration before = w.elapsed();
    const std::string said = co_await patient();

    REQUIRE_THAT(said, ContainsSubstring("10.0.0.2:80") && ContainsSubstring("timed out"));
    REQUIRE(w.elapsed() - before >= 127s);
    REQUIRE(w.elapsed() - before < 128s);
  });
}

TEST_CASE("a line is whole whose middle met a cut", "[testing][partition]") {
  simulate(20, [](world& w) -> task<> {
    w.faults_are(faults().latency(0ms, 20ms).split_reads(2));
    auto& db = w.host("db");
    const auto& server = db.serve(service(echo, 80));
    connection c = co_await connect("db", server.port());
    co_await c.send("the first half ");
    co_await sleep(duration(w.random().uniform(0ms, 40ms)));
    w.partition(db);
    co_await c.send("and the second\n");
    co_await sleep(3s);
    w.reconnect(db);
    const std::string line = co_await c.until_eol();

    REQUIRE(line == "the first half and the second\n");
  });
}

TEST_CASE("an end that met a cut arrives behind everything else", "[testing][partition]") {
  world(1).run([](world& w) -> task<> {
    auto& db = w.host("db");
    collector heard;
    const auto& server = db.serve(service(collect, 80, std::ref(heard)));
    {
      connection c = co_await connect("db", server.port());
      co_await sleep(1s);
      w.partition(db);
      co_await c.send("last words\n");
      c.close();
    }
    co_await sleep(500ms);
    REQUIRE(heard.end.empty());
    w.reconnect(db);
    co_await sleep(5s);

    REQUIRE(heard.lines == std::vector<std::string>{"last words"});
    REQUIRE(heard.end == "end");
    REQUIRE(w.open_connections() == 0);
  });
}

TEST_CASE("with one direction cut, what is asked arrives and the answer does not",
          "[testing][partition]") {
  world(1).run([](world& w) -> task<> {
    auto& db = w.host("db");
    auto& web = w.host("web");
    collector heard;
    const auto& server = db.serve(service(
        [](connection& peer, collector& into) -> task<> {
          const std::string line = co_await peer.until_eol();
          into.lines.emplace_back(trim(line));
          co_await peer.send("heard\n");
          co_await peer.closed();
        },
        80, std::ref(heard)));
    const auto ask = [](std::uint16_t port) -> task<std::string> {
      connection c = co_await connect("db", port);
      co_await sleep(1s);
      co_await c.send("hello\n");
      co_return co_await c.until_eol();
    };
    auto asking = web.spawn(ask, server.port());
    co_await sleep(500ms);
    w.partition_one_way(db, web);
    co_await sleep(9500ms);
    REQUIRE(heard.lines == std::vector<std::string>{"hello"});
    REQUIRE_FALSE(asking.done());

    w.reconnect(db, web);
    const std::string answer = co_await asking;
    REQUIRE(answer == "heard\n");
  });
}

TEST_CASE("a cut that is given a time heals by itself, within it", "[testing][partition]") {
  simulate(20, [](world& w) -> task<> {
    auto& db = w.host("db");
    auto& web = w.host("web");
    const auto& server = db.serve(service(echo, 80));
    const auto ask = [](std::uint16_t port) -> task<> {
      connection c = co_await connect("db", port);
      co_await sleep(1s);
      co_await c.send("hello\n");
      co_await c.until_eol();
    };
    auto asking = web.spawn(ask, server.port());
    co_await sleep(500ms);
    w.partition(db, web, 10s, 20s);
    const duration before = w.elapsed();
    co_await asking;

    REQUIRE(w.elapsed() - before > 10s);
    REQUIRE(w.elapsed() - before < 40s);
    REQUIRE_THROWS_AS(w.partition(db, web, 2s, 1s), std::invalid_argument);
  });
}

TEST_CASE("an older cut's end leaves a newer one alone", "[testing][partition]") {
  world(1).run([](world& w) -> task<> {
    auto& db = w.host("db");
    auto& web = w.host("web");
    const auto& server = db.serve(service(echo, 80));
    w.partition(db, web, 5s, 5s);
    co_await sleep(1s);
    w.reconnect(db, web);
    w.partition(db, web);
    co_await sleep(10s);
    auto asking = web.spawn(connect_outcome, "db", server.port());
    const std::string outcome = co_await asking;
    REQUIRE(outcome == "timeout");
  });
}

TEST_CASE("who hears nothing of a silent peer for two minutes gives it up",
          "[testing][partition]") {
  world(1).run([](world& w) -> task<> {
    auto& db = w.host("db");
    collector heard;
    const auto& server = db.serve(service(collect, 80, std::ref(heard)));
    connection c = co_await connect("db", server.port());
    co_await sleep(1s);
    w.partition(db);
    const duration before = w.elapsed();
    const std::string here = co_await line_or_error(c);

    REQUIRE_THAT(here, ContainsSubstring("timed out"));
    REQUIRE(w.elapsed() - before == 120s);
    co_await sleep(1s);
    REQUIRE_THAT(heard.end, ContainsSubstring("timed out"));
  });
}

TEST_CASE("a short silence of the network harms no idle connection", "[testing][partition]") {
  world(1).run([](world& w) -> task<> {
    auto& db = w.host("db");
    const auto& server = db.serve(service(echo, 80));
    connection c = co_await connect("db", server.port());
    w.partition(db);
    co_await sleep(100s);
    w.reconnect(db);
    co_await sleep(1h);
    co_await c.send("still there?\n");
    const std::string answer = co_await line_or_error(c);
    REQUIRE(answer == "still there?");
  });
}

TEST_CASE("what is sent and never acknowledged breaks the connection after a quarter of an hour",
          "[testing][partition]") {
  world(1).run([](world& w) -> task<> {
    auto& db = w.host("db");
    const auto& server = db.serve(service(echo, 80));
    connection c = co_await connect("db", server.port());
    w.partition(db);
    const duration before = w.elapsed();
    co_await c.send("hello?\n");
    const std::string answer = co_await line_or_error(c);

    REQUIRE_THAT(answer, ContainsSubstring("timed out"));
    REQUIRE(w.elapsed() - before > 14min);
    REQUIRE(w.elapsed() - before < 17min);
    w.reconnect(db);
  });
}

TEST_CASE("after heal() everything gets through soon, however long it was cut",
          "[testing][partition]") {
  simulate(20, [](world& w) -> task<> {
    w.faults_are(faults().latency(0ms, 100ms).split_reads());
    auto& db = w.host("db");
    const auto& server = db.serve(service(echo, 80));
    connection c = co_await connect("db", server.port());
    w.partition(db);
    co_await c.send("hello\n");
    auto connecting = spawn(connect_outcome, "db", server.port());
    co_await sleep(29s);

    w.heal();
    const std::string answer = co_await c.until_eol();
    const std::string outcome = co_await connecting;

    REQUIRE(answer == "hello\n");
    REQUIRE(outcome == "connected");
  });
}

}  // namespace partition_test
