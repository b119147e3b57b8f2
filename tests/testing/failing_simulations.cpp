// Tests that fail, each in one way; failing_simulations.py reads what they say.
#include <cetane/cetane.hpp>
#include <cetane/testing.hpp>
#include <cetane/testing/replace_new.hpp>

#include <catch2/catch_session.hpp>
#include <catch2/catch_test_macros.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <new>
#include <stdexcept>
#include <string>

namespace {

using namespace cetane;
using namespace cetane::testing;
using namespace std::chrono_literals;

task<> fails_in_a_task(world& w) {
  co_await sleep(1s);
  REQUIRE(w.seed() < 3);
}

task<> transfer(mutex& from, mutex& to) {
  const mutex_lock first = co_await from.lock();
  co_await sleep(1s);
  const mutex_lock second = co_await to.lock();
}

task<> echo(connection& peer) {
  for (;;) co_await peer.send(co_await peer.until_eol());
}

task<bool> ask_ten_times(std::uint16_t port) {
  try {
    connection c = co_await connect("echo", port);
    for (int i = 0; i < 10; ++i) {
      co_await c.send("a line of some length\n");
      const std::string answer = co_await c.until_eol();
      co_await sleep(100ms);
    }
  } catch (const error&) {
    co_return false;
  }
  co_return true;
}

task<> sleep_long() { co_await sleep(24h); }

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

TEST_CASE("two tasks wait for each other's lock") {
  simulate(100, [](world& w) -> task<> {
    mutex accounts[2];
    const bool same_order = w.seed() < 4;
    co_await with_group([&](group& transfers) -> task<> {
      (void)transfers.spawn(transfer, std::ref(accounts[0]), std::ref(accounts[1])).label("anna");
      (void)transfers
          .spawn(transfer, std::ref(accounts[same_order ? 0 : 1]),
                 std::ref(accounts[same_order ? 1 : 0]))
          .label("bob");
      co_return;
    });
  });
}

TEST_CASE("a broken connection is not foreseen") {
  simulate(100, [](world& w) -> task<> {
    w.faults_are(faults().latency(0ms, 20ms).split_reads().storms(0.1).resets(0.3));
    const auto& server = w.serve(service(echo, 0));
    bool answered = co_await ask_ten_times(server.port());
    REQUIRE(answered);
  });
}

TEST_CASE("it fails with and without faults") {
  simulate(100, [](world& w) -> task<> {
    w.faults_are(faults().latency(0ms, 20ms));
    co_await sleep(1s);
    REQUIRE(w.seed() != 2);
  });
}

TEST_CASE("it fails once and not again") {
  int runs = 0;
  simulate(100, [&](world& w) -> task<> {
    w.faults_are(faults().latency(0ms, 20ms));
    co_await sleep(1s);
    REQUIRE(++runs != 3);
  });
}

TEST_CASE("a run that is cut short leaves something behind") {
  cancel_everywhere([](world&) -> task<> {
    co_await sleep(1s);
    auto helper = spawn(sleep_long);
    co_await sleep(1s);
    helper.cancel();
  });
}

TEST_CASE("a clean-up has no memory") {
  fail_allocations([](world&) -> task<> {
    // No expression with new, which a compiler may leave out.
    const scope_exit clean_up([] { ::operator delete(::operator new(1000)); });
    co_await sleep(1s);
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
