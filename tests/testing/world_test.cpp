#include <cetane/cetane.hpp>
#include <cetane/testing.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <chrono>
#include <functional>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

namespace world_test {

using namespace cetane;
using namespace cetane::testing;
using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;

namespace {

// What the world says of a body that it does not let pass.
std::string complaint(const std::function<task<>(world&)>& body) {
  world w(1);
  try {
    w.run(body);
  } catch (const unfinished& e) {
    return e.what();
  } catch (const simulation_stuck& e) {
    return e.what();
  }
  return "";
}

task<> echo(connection& peer) {
  for (;;) co_await peer.send(co_await peer.until_eol());
}

task<> wait_for(event& never_set) { co_await never_set.wait(); }

task<> beat() {
  for (;;) co_await sleep(1s);
}

task<> spin() {
  for (;;) co_await yield();
}

}  // namespace

TEST_CASE("a body that nothing can wake is found out at once, with the tasks' names",
          "[testing][world]") {
  event nobody_sets;

  const std::string said = complaint([&](world&) -> task<> {
    auto other = spawn(wait_for, std::ref(nobody_sets));
    other.label("the other one");
    co_await nobody_sets.wait();
  });

  REQUIRE_THAT(said, ContainsSubstring("stuck") && ContainsSubstring("2 tasks") &&
                         ContainsSubstring("the test itself") &&
                         ContainsSubstring("the other one") && ContainsSubstring("event"));
}

TEST_CASE("a body that waits while time goes on is found out at the time limit",
          "[testing][world]") {
  event nobody_sets;
  time_point found{};

  const std::string said = complaint([&](world& w) -> task<> {
    const scope_exit note([&] { found = time_point(w.elapsed()); });
    w.time_limit(10min);
    auto clock = spawn(beat);
    co_await nobody_sets.wait();
  });

  REQUIRE_THAT(said, ContainsSubstring("601 s of virtual time (the limit is 600 s") &&
                         ContainsSubstring("2 tasks") && ContainsSubstring("the test itself"));
  REQUIRE(found == time_point(601s));
}

TEST_CASE("a task that keeps the loop busy while no time passes is found out by its passes",
          "[testing][world]") {
  const std::string said = complaint([&](world& w) -> task<> {
    w.pass_limit(1000);
    auto busy = spawn(spin);
    co_await sleep(1s);
  });

  REQUIRE_THAT(said, ContainsSubstring("1000 passes of the event loop") &&
                         ContainsSubstring("0 s of virtual time") && ContainsSubstring("spin"));
}

TEST_CASE("a task that the body leaves behind is reported", "[testing][world]") {
  const std::string said = complaint([](world&) -> task<> {
    auto left = spawn(beat);
    co_return;
  });

  REQUIRE_THAT(said, ContainsSubstring("left something behind") &&
                         ContainsSubstring("0 open ends") && ContainsSubstring("1 task\n") &&
                         ContainsSubstring("beat"));
}

TEST_CASE("a task that ends soon after the body is no leftover", "[testing][world]") {
  const std::string said = complaint([](world&) -> task<> {
    auto soon = spawn([]() -> task<> { co_await sleep(10s); });
    co_return;
  });

  REQUIRE(said.empty());
}

TEST_CASE("a connection that somebody still holds is reported", "[testing][world]") {
  connection kept;

  const std::string said = complaint([&](world& w) -> task<> {
    const auto& server = w.serve(service(echo, 0));
    kept = co_await connect("echo", server.port());
    kept.close();
    kept = co_await connect("echo", server.port());
    auto holder = spawn(
        [](connection c) -> task<> {
          for (;;) co_await c.closed(), co_await sleep(1h);
        },
        std::move(kept));
  });

  REQUIRE_THAT(said, ContainsSubstring("left something behind") &&
                         ContainsSubstring("1 open ends") && ContainsSubstring("1 task\n"));
}

TEST_CASE("clients and handlers that are in the middle of something at the end are none",
          "[testing][world]") {
  const std::string said = complaint([](world& w) -> task<> {
    const auto& server = w.serve(service(echo, 0));
    connection c = co_await connect("echo", server.port());
    co_await c.send("half a line");
    co_await sleep(1s);
    REQUIRE(w.open_connections() == 2);
    REQUIRE(server.connections() == 1);
  });

  REQUIRE(said.empty());
}

TEST_CASE("what handlers refer to outlives them, however the body ends", "[testing][world]") {
  struct guest_book {
    std::set<int> inside;
    int* left = nullptr;
    ~guest_book() { inside.insert(-1); }
  };
  static constexpr auto visit = [](connection& peer, guest_book& book) -> task<> {
    book.inside.insert(1);
    const scope_exit leave([&] {
      if (book.inside.count(-1) == 0) ++*book.left;
      book.inside.erase(1);
    });
    co_await peer.until_eol();
  };
  struct cut_short {};
  int left = 0;
  const auto body = [&](world& w, bool fails) -> task<> {
    guest_book book;
    book.left = &left;
    const auto& server = w.serve(service(visit, 0, std::ref(book)));
    connection c = co_await connect("book", server.port());
    co_await sleep(1s);
    REQUIRE(book.inside.size() == 1);
    if (fails) throw cut_short();
  };

  REQUIRE(complaint([&](world& w) { return body(w, false); }).empty());
  REQUIRE(left == 1);
  REQUIRE_THROWS_AS(world(1).run([&](world& w) { return body(w, true); }), cut_short);
  REQUIRE(left == 2);
}

TEST_CASE("what handlers have forked ends with the service", "[testing][world]") {
  static constexpr auto fork_and_wait = [](connection& peer) -> task<> {
    auto forked = fork(beat);
    co_await peer.until_eol();
  };

  const std::string said = complaint([](world& w) -> task<> {
    const auto& server = w.serve(service(fork_and_wait, 0));
    connection c = co_await connect("any name will do", server.port());
    co_await sleep(1s);
  });

  REQUIRE(said.empty());
}

TEST_CASE("a handler that fails does not go unnoticed, unless the test expects it",
          "[testing][world]") {
  static constexpr auto fail = [](connection& peer) -> task<> {
    co_await peer.until_eol();
    throw std::out_of_range("no such line");
  };
  const auto body = [](world& w, std::uint64_t expected) -> task<> {
    w.expect_unhandled(expected);
    const auto& server = w.serve(service(fail, 0));
    for (int i = 0; i < 2; ++i) {
      connection c = co_await connect("server", server.port());
      co_await c.send("line\n");
      co_await c.closed();
    }
  };

  REQUIRE_THAT(
      complaint([&](world& w) { return body(w, 0); }),
      ContainsSubstring("2 exceptions have ended") && ContainsSubstring("expected were 0"));
  REQUIRE_THAT(complaint([&](world& w) { return body(w, 3); }),
               ContainsSubstring("2 exceptions have ended"));
  REQUIRE(complaint([&](world& w) { return body(w, 2); }).empty());
}

TEST_CASE("who connects after the service has ended is refused", "[testing][world]") {
  world(1).run([](world& w) -> task<> {
    std::uint16_t port = 0;
    {
      const auto& server = w.serve(service(echo, 0));
      port = server.port();
    }
    bool refused = false;
    try {
      connection c = co_await connect("echo", port);
    } catch (const connect_error&) {
      refused = true;
    }
    REQUIRE(refused);
  });
}

TEST_CASE("latency is what was asked for, from then on", "[testing][world]") {
  world(1).run([](world& w) -> task<> {
    const auto& server = w.serve(service(echo, 0));
    w.faults_are(faults().latency(100ms, 100ms));
    connection c = co_await connect("echo", server.port());
    const duration before = w.elapsed();
    co_await c.send("there and back\n");
    const std::string answer = co_await c.until_eol();
    REQUIRE(w.elapsed() - before == 200ms);

    w.faults_are(faults().latency(1s, 1s));
    const duration later = w.elapsed();
    co_await c.send("there and back\n");
    const std::string second = co_await c.until_eol();
    REQUIRE(w.elapsed() - later == 2s);
  });
}

TEST_CASE("split reads come in pieces of the size that was asked for, and all of them come",
          "[testing][world]") {
  static constexpr auto send_all = [](connection& peer) -> task<> {
    co_await peer.send(std::string(1000, 'x'));
  };
  world(1).run([](world& w) -> task<> {
    w.faults_are(faults().latency(0ms, 1s).split_reads(3));
    const auto& server = w.serve(service(send_all, 0));
    connection c = co_await connect("pieces", server.port());
    std::size_t pieces = 0, bytes = 0;
    while (auto piece = co_await c.next_chunk()) {
      ++pieces;
      bytes += piece->size();
    }
    REQUIRE(bytes == 1000);
    REQUIRE(pieces > 10);
  });
}

TEST_CASE("little buffers make a sender wait for its reader", "[testing][world]") {
  static constexpr auto send_much = [](connection& peer) -> task<> {
    for (int i = 0; i < 100; ++i) co_await peer.send(std::string(10'000, 'x'));
  };
  world(1).run([](world& w) -> task<> {
    w.faults_are(faults().buffers(1000));
    const auto& server = w.serve(service(send_much, 0));
    connection c = co_await connect("much", server.port());
    co_await sleep(5s);
    REQUIRE(server.connections() == 1);

    const std::string all = co_await c.until_eof();
    REQUIRE(all.size() == 1'000'000);
  });
}

}  // namespace world_test
