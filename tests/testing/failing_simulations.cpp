// Tests that fail, each in one way; failing_simulations.py reads what they say.
#include <cetane/cetane.hpp>
#include <cetane/testing.hpp>

#include <catch2/catch_session.hpp>
#include <catch2/catch_test_macros.hpp>

#include <chrono>
#include <stdexcept>

namespace {

using namespace cetane;
using namespace cetane::testing;
using namespace std::chrono_literals;

task<> fails_in_a_task(world& w) {
  co_await sleep(1s);
  REQUIRE(w.seed() < 3);
}

}  // namespace

TEST_CASE("a requirement, with a comma [and more] isn't met") {
  simulate(100, [](world& w) -> task<> { co_await with_timeout(1h, fails_in_a_task(w)); });
}

TEST_CASE("a check fails and the run goes on to its end") {
  simulate(100, [](world& w) -> task<> {
    CHECK(w.seed() != 2);
    co_await sleep(1s);
    if (w.seed() >= 2) WARN("the end of seed " << w.seed());
  });
}

TEST_CASE("an exception leaves the body") {
  simulate(100, [](world& w) -> task<> {
    co_await sleep(1s);
    if (w.seed() == 4) throw std::runtime_error("four is too many");
  });
}

TEST_CASE("nothing can wake the body") {
  simulate(100, [](world& w) -> task<> {
    queue<int> numbers;
    if (w.seed() == 5) co_await numbers.get();
  });
}

TEST_CASE("a requirement fails in a handler") {
  simulate(100, [](world& w) -> task<> {
    const auto read = [](connection& peer) -> task<> {
      const std::string line = co_await peer.until_eol();
      REQUIRE(line == "expected\n");
    };
    const auto& server = w.serve(service(read, 0));
    connection c = co_await connect("reader", server.port());
    co_await c.send("surprise\n");
    co_await c.closed();
  });
}

TEST_CASE("a seed asks to be left out") {
  simulate(10, [](world& w) -> task<> {
    if (w.seed() == 2) SKIP("not today");
    co_return;
  });
}

TEST_CASE("all is well") {
  simulate(10, [](world&) -> task<> { co_await sleep(1s); });
}

int main(int argc, char** argv) { return Catch::Session().run(argc, argv); }
