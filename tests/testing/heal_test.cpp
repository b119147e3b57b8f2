// What becomes of faults when they end: at heal(), at the end of their window, and by profile.
#include <cetane/cetane.hpp>
#include <cetane/testing.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <chrono>
#include <functional>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

namespace heal_test {

using namespace cetane;
using namespace cetane::testing;
using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;

namespace {

task<> echo(connection& peer) {
  while (auto piece = co_await peer.next_chunk()) co_await peer.send(*piece);
}

task<> talk(std::uint16_t port, std::size_t bytes, bool& whole) {
  connection c = co_await connect("echo", port).timeout(1h);
  co_await c.send(std::string(bytes, 'x'));
  co_await c.send_eof();
  const std::string heard = co_await c.until_eof();
  whole = heard.size() == bytes;
}

task<> try_to_talk(std::uint16_t port) {
  bool whole = false;
  try {
    co_await talk(port, 500, whole);
  } catch (const connection_error&) {
  }
}

// A long talk on such a network, which becomes a good one after a second.
void heal_in_the_middle(const faults& wanted) {
  bool whole = false;
  world(1).run([&](world& w) -> task<> {
    const auto& server = w.serve(service(echo, 0));
    w.faults_are(wanted);
    auto talking = spawn(talk, server.port(), 30'000, std::ref(whole));
    co_await sleep(1s);
    REQUIRE_FALSE(talking.done());

    w.heal();
    co_await talking;

    CHECK(w.elapsed() < 2s);
  });
  CHECK(whole);
}

}  // namespace

TEST_CASE("what a fault has held up is released when the network heals", "[testing][heal]") {
  SECTION("what is far away") { heal_in_the_middle(faults().latency(1h, 2h)); }
  SECTION("what waits for its turn on a narrow way") { heal_in_the_middle(faults().bandwidth(10)); }
  SECTION("small pieces, one after the other") {
    heal_in_the_middle(faults().bandwidth(1000).split_reads(1).latency(1s, 1min));
  }
  SECTION("who found no place") { heal_in_the_middle(faults().full_backlogs(1)); }
}

TEST_CASE("at the end of their window faults end as when the network heals", "[testing][heal]") {
  bool whole = false;
  world(1).run([&](world& w) -> task<> {
    const auto& server = w.serve(service(echo, 0));
    w.faults_are(faults().bandwidth(10).latency(1min, 1h).storms(1).until(10s));
    co_await talk(server.port(), 30'000, whole);
    CHECK(w.elapsed() > 10s);
    CHECK(w.elapsed() < 11s);
  });
  CHECK(whole);
}

TEST_CASE("what is sent after the network has healed does not overtake what was held up",
          "[testing][heal]") {
  world(1).run([](world& w) -> task<> {
    const auto& server = w.serve(service(echo, 0));
    connection c = co_await connect("echo", server.port());
    w.faults_are(faults().latency(1h, 1h).split_reads(1));
    co_await c.send("first, ");
    co_await sleep(1s);
    w.heal();
    co_await c.send("second\n");
    const std::string line = co_await c.until_eol();
    CHECK(line == "first, second\n");
  });
}

TEST_CASE("a body that does not end soon after the network has healed fails", "[testing][heal]") {
  const auto complaint = [](duration takes, std::optional<duration> limit) -> std::string {
    try {
      world(1).run([&](world& w) -> task<> {
        if (limit) w.heal_limit(*limit);
        w.heal();
        co_await sleep(takes);
      });
    } catch (const unfinished& e) {
      return e.what();
    }
    return "";
  };

  CHECK(complaint(5s, {}).empty());
  CHECK_THAT(complaint(5001ms, {}), ContainsSubstring("5 s after the network became a good one"));
  CHECK_THAT(complaint(1h, {}), ContainsSubstring("world::heal_limit"));
  CHECK(complaint(10s, 11s).empty());
  CHECK_THAT(complaint(12s, 11s), ContainsSubstring("11 s after"));
}

TEST_CASE("a connect that is lost stays so, and ends by its own limit", "[testing][heal]") {
  world(1).run([](world& w) -> task<> {
    const auto& server = w.serve(service(echo, 0));
    w.faults_are(faults().lost_connects(1));
    auto lost = spawn(
        [](std::uint16_t port) -> task<bool> {
          try {
            connection c = co_await connect("nowhere", port).timeout(4s);
            co_return false;
          } catch (const connect_timeout&) {
            co_return true;
          }
        },
        server.port());
    co_await sleep(1s);
    w.heal();
    const bool timed_out = co_await lost;
    CHECK(timed_out);
    CHECK(w.elapsed() == 4s);
  });
}

TEST_CASE("profiles have names, and others are refused", "[testing][heal]") {
  for (const char* name : {"none", "slow_link", "small_pipes", "flaky", "hostile"}) {
    CAPTURE(name);
    CHECK_NOTHROW(faults::named(name));
  }
  CHECK_THROWS_AS(faults::named("gremlins"), std::invalid_argument);
  CHECK_THROWS_AS(faults().resets(1.1), std::invalid_argument);
  CHECK_THROWS_AS(faults().resets(-0.1), std::invalid_argument);
  CHECK_THROWS_AS(faults().bandwidth(0), std::invalid_argument);
  CHECK_THROWS_AS(faults().until(1s).from(2s), std::invalid_argument);
  CHECK_THROWS_AS(faults().from(-1s), std::invalid_argument);
}

TEST_CASE("what a profile promises is met", "[testing][heal]") {
  const auto met = [](const char* profile) {
    std::set<fault_kind> kinds;
    for (std::uint64_t seed = 1; seed <= 25; ++seed) {
      world w(seed);
      w.run([&](world& in) -> task<> {
        in.faults_are(faults::named(profile));
        const auto& server = in.serve(service(echo, 0));
        std::vector<join_handle<>> talks;
        for (int i = 0; i < 5; ++i) talks.push_back(spawn(try_to_talk, server.port()));
        for (auto& one : talks) co_await one;
      });
      for (const fault_kind kind : every_fault_kind) {
        if (w.faults_met(kind) > 0) kinds.insert(kind);
      }
    }
    return kinds;
  };

  CHECK(met("none").empty());
  CHECK(met("slow_link") == std::set{fault_kind::bandwidth, fault_kind::split_reads});
  CHECK(met("small_pipes") ==
        std::set{fault_kind::buffers, fault_kind::split_reads, fault_kind::short_writes});
  CHECK(met("flaky") == std::set{fault_kind::split_reads, fault_kind::storms, fault_kind::resets,
                                 fault_kind::refused_connects, fault_kind::lost_connects,
                                 fault_kind::full_backlogs});
  const std::set<fault_kind> all_met = met("hostile");
  for (const fault_kind kind : every_fault_kind) {
    CAPTURE(name_of(kind));
    const bool elsewhere = kind == fault_kind::latency || strikes_datagrams(kind);
    CHECK(all_met.count(kind) == (elsewhere ? 0 : 1));
  }
}

TEST_CASE("a mix is drawn from its numbers alone, and every kind comes up", "[testing][heal]") {
  std::set<fault_kind> seen;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    random_stream one(seed), same(seed);
    const faults mix = faults::drawn(one), again = faults::drawn(same);
    for (const fault_kind kind : every_fault_kind) {
      CHECK(mix.ways().share(kind) == again.ways().share(kind));
      if (mix.ways().share(kind) > 0) seen.insert(kind);
    }
    CHECK(mix.ways().bandwidth() == again.ways().bandwidth());
    CHECK(mix.ways().capacity() == again.ways().capacity());
    CHECK(mix.ways().longest_latency() == again.ways().longest_latency());
    CHECK(mix.ways().longest_segment() == again.ways().longest_segment());
  }
  CHECK(seen.size() == every_fault_kind.size() - 4);  // these have no share
}

}  // namespace heal_test
