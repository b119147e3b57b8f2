// What a test is promised that succeeds; failing_simulations.cpp has those that fail.
#include <cetane/cetane.hpp>
#include <cetane/testing.hpp>

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <numeric>
#include <stdexcept>
#include <string>
#include <vector>

namespace simulate_test {

using namespace cetane;
using namespace cetane::testing;
using namespace std::chrono_literals;

namespace {

task<> echo(connection& peer) {
  for (;;) co_await peer.send(co_await peer.until_eol());
}

task<> talk(std::uint16_t port, int lines) {
  connection c = co_await connect("echo", port);
  for (int i = 0; i < lines; ++i) {
    const std::string line = fmt::format("line {}\n", i);
    co_await c.send(line);
    const std::string answer = co_await c.until_eol();
    REQUIRE(answer == line);
  }
}

struct story {
  std::uint64_t hash = 0;
  std::string log;
  std::uint64_t drawn = 0;

  bool operator==(const story&) const = default;
};

std::vector<story> stories(std::size_t seeds) {
  std::vector<story> all;
  simulate(seeds, [&](world& w) -> task<> {
    w.faults_are(faults().latency(0ms, 50ms).split_reads(3).buffers(64));
    const auto& server = w.serve(service(echo, 0));
    co_await cetane::all(talk(server.port(), 5), talk(server.port(), 7));
    all.push_back({w.trace_hash(), w.log_tail(10'000), w.random().next()});
  });
  return all;
}

}  // namespace

TEST_CASE("a body is run once for each seed, from one on", "[testing][simulate]") {
  std::vector<std::uint64_t> seen;

  simulate(5, [&](world& w) -> task<> {
    seen.push_back(w.seed());
    co_return;
  });

  REQUIRE(seen == std::vector<std::uint64_t>{1, 2, 3, 4, 5});
}

TEST_CASE("an hour's sleep takes no time, and exactly an hour of the world's",
          "[testing][simulate]") {
  simulate(1, [](world& w) -> task<> {
    REQUIRE(w.elapsed() == 0s);
    for (int hour = 0; hour < 10; ++hour) co_await sleep(1h);
    REQUIRE(w.elapsed() == 10h);
  });
}

TEST_CASE("the same seed gives the same run, byte for byte, and another one another",
          "[testing][simulate]") {
  const std::vector<story> first = stories(20);
  const std::vector<story> second = stories(20);

  REQUIRE(first == second);
  for (std::size_t i = 1; i < first.size(); ++i) {
    REQUIRE(first[i].hash != first[0].hash);
    REQUIRE(first[i].drawn != first[0].drawn);
  }
}

TEST_CASE("CETANE_SEED runs that seed alone, also one beyond those of the test",
          "[testing][simulate]") {
  std::vector<std::uint64_t> seen;
  const auto body = [&](world& w) -> task<> {
    seen.push_back(w.seed());
    co_return;
  };
  REQUIRE(::setenv("CETANE_SEED", "12345678901234567890", 1) == 0);
  const scope_exit unset([] { ::unsetenv("CETANE_SEED"); });

  simulate(3, body);

  REQUIRE(seen == std::vector<std::uint64_t>{12345678901234567890U});
}

TEST_CASE("a CETANE_SEED that is no number is refused with what helps", "[testing][simulate]") {
  REQUIRE(::setenv("CETANE_SEED", "17x", 1) == 0);
  const scope_exit unset([] { ::unsetenv("CETANE_SEED"); });
  std::string said;

  try {
    simulate(3, [](world&) -> task<> { co_return; });
  } catch (const std::invalid_argument& e) {
    said = e.what();
  }

  REQUIRE(said == "CETANE_SEED is \"17x\", which is no whole number; unset it to try all seeds");
}

}  // namespace simulate_test
