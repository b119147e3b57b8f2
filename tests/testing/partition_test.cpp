// Networks that are cut and mended, and machines that lose their power.
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
using namespace cetane::testing;
using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;

namespace {

task<> echo(connection& peer) {
  for (;;) co_await peer.send(co_await peer.until_eol());
}

// Collects lines until the end, and says how that came.
struct collector {
  std::vector<std::string> lines;
  std::string end;
};

task<> collect(connection& peer, collector& into) {
  try {
    while (auto line = co_await peer.next_line()) into.lines.emplace_back(trim(*line));
    into.end = "end";
  } catch (const error& e) {
    into.end = e.what();
  }
}

std::string why(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& e) {
    return e.what();
  }
}

// The name for what connecting there ends in.
task<std::string> connect_outcome(std::string host, std::uint16_t port) {
  std::exception_ptr failed;
  try {
    connection c = co_await connect(std::move(host), port);
  } catch (const connect_timeout&) {
    co_return "timeout";
  } catch (const error&) {
    failed = std::current_exception();
  }
  co_return failed ? why(failed) : "connected";
}

task<std::string> line_or_error(connection& from) {
  std::exception_ptr failed;
  try {
    const std::string line = co_await from.until_eol();
    co_return std::string(trim(line));
  } catch (const connection_closed&) {
    failed = std::current_exception();
  }
  co_return why(failed);
}

}  // namespace

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

TEST_CASE("a crash in the middle of a send: silence, then a reset once the host is up again",
          "[testing][partition][crash]") {
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

TEST_CASE("a program starts again with its host, and what it knew is gone",
          "[testing][partition][crash]") {
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
          "[testing][partition][crash]") {
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

TEST_CASE("a host may crash by what one of its own tasks does", "[testing][partition][crash]") {
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
          "[testing][partition][crash]") {
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
          "[testing][partition][host]") {
  const std::vector<story> first = stories(30);
  const std::vector<story> second = stories(30);

  REQUIRE(first.size() == 30);
  REQUIRE(first == second);
  for (std::size_t i = 1; i < first.size(); ++i) REQUIRE(first[i].hash != first[0].hash);
}

}  // namespace partition_test
