// Several machines on one simulated network: whose address is whose, and whose turn it is.

#include "fake_io.hpp"

#include <cetane/backend/sim.hpp>
#include <cetane/backend/sim_hosts.hpp>
#include <cetane/conc/sleep.hpp>
#include <cetane/conc/spawn.hpp>
#include <cetane/conc/thread.hpp>

#include <catch2/matchers/catch_matchers_string.hpp>

#include <cerrno>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace sim_hosts_test {

using namespace cetane;
using namespace cetane::test;
using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;

namespace {

// A loop on a machine of its own.
class guest final : public simulated_turns {
 public:
  guest(event_loop& driver, const std::string& name)
      : at(simulation::of(driver).add_host(name)),
        loop(simulation::of(driver).make_backend(at, *this)) {}

  time_point due() override { return loop.due(); }
  void take_turn() override {
    ++turns;
    loop.take_turn();
  }
  std::string dump_tasks() override { return at.name() + ": " + loop.dump_tasks(); }

  simulated_host& at;
  int turns = 0;
  event_loop loop;
};

int listen_at(event_loop& loop, const address& where, address& bound, int& descriptor) {
  return loop.io().listen(where, detail::listen_request(), descriptor, bound);
}

address ip(const std::string& host, std::uint16_t port) { return *address::parse_ip(host, port); }

// A listener that takes what comes.
class host_listener {
 public:
  host_listener(event_loop& loop, const address& where) : loop_(loop), io(loop) {
    int descriptor = -1;
    REQUIRE(listen_at(loop, where, bound, descriptor) == 0);
    io.open(descriptor);
    io.hook = [this] {
      int number = -1;
      if (loop_.io().accept(io, number, peer) == 0) accepted.push_back(number);
    };
  }
  ~host_listener() {
    io.close();
    for (const int each : accepted) loop_.io().close(each, false);
  }

 private:
  event_loop& loop_;

 public:
  noting_poll io;
  address bound;
  address peer;
  std::vector<int> accepted;
};

// What a connect from there ends in, as errno has it.
int connect_from(event_loop& driver, event_loop& from, const address& to,
                 const address* source = nullptr) {
  int descriptor = -1;
  int result = from.io().connect(to, source, descriptor);
  if (result != -EINPROGRESS) {
    if (result == 0) from.io().close(descriptor, false);
    return result;
  }
  noting_poll attempt(from);
  attempt.open(descriptor);
  for (int i = 0; i < 1000 && attempt.calls == 0; ++i) driver.run_once(never);
  result = from.io().connect_result(descriptor);
  return result;
}

}  // namespace

TEST_CASE("two hosts have the same port each, and neither has the other's address",
          "[backend][sim][hosts][not-epoll]") {
  event_loop driver(make_sim_backend());
  guest one(driver, "one"), two(driver, "two");
  address bound;
  int first = -1, second = -1, other = -1;

  REQUIRE(listen_at(one.loop, ip("0.0.0.0", 80), bound, first) == 0);
  REQUIRE(listen_at(two.loop, ip("0.0.0.0", 80), bound, second) == 0);
  REQUIRE(listen_at(one.loop, ip("10.0.0.2", 80), bound, other) == -EADDRINUSE);
  REQUIRE(listen_at(one.loop, ip("10.0.0.3", 81), bound, other) == -EADDRNOTAVAIL);
  REQUIRE(listen_at(one.loop, ip("10.0.0.99", 81), bound, other) == -EADDRNOTAVAIL);
  REQUIRE(listen_at(one.loop, ip("fd00::3", 81), bound, other) == -EADDRNOTAVAIL);
  REQUIRE(listen_at(one.loop, ip("fd00::2", 81), bound, other) == 0);
  for (const int each : {first, other}) one.loop.io().close(each, false);
  two.loop.io().close(second, false);
}

TEST_CASE("who connects is seen with the address of its host, or of the loopback within one",
          "[backend][sim][hosts][not-epoll]") {
  event_loop driver(make_sim_backend());
  guest one(driver, "one"), two(driver, "two");
  host_listener server(one.loop, ip("0.0.0.0", 80));
  const auto seen = [&](event_loop& from, const std::string& to) {
    REQUIRE(connect_from(driver, from, ip(to, 80)) == 0);
    settle(driver);
    return server.peer.host();
  };

  CHECK(seen(two.loop, "10.0.0.2") == "10.0.0.3");
  CHECK(seen(driver, "10.0.0.2") == "10.0.0.1");
  CHECK(seen(one.loop, "10.0.0.2") == "10.0.0.2");
  CHECK(seen(one.loop, "127.0.0.1") == "127.0.0.1");
  CHECK(seen(one.loop, "0.0.0.0") == "127.0.0.1");
  CHECK(server.accepted.size() == 5);
}

TEST_CASE("the loopback of one host is not that of another", "[backend][sim][hosts][not-epoll]") {
  event_loop driver(make_sim_backend());
  guest one(driver, "one"), two(driver, "two");
  host_listener server(one.loop, ip("127.0.0.1", 80));

  REQUIRE(connect_from(driver, two.loop, ip("127.0.0.1", 80)) == -ECONNREFUSED);
  REQUIRE(connect_from(driver, one.loop, ip("127.0.0.1", 80)) == 0);
  REQUIRE(connect_from(driver, two.loop, ip("10.0.0.2", 80)) == 0);  // a service that says nothing
  REQUIRE(connect_from(driver, two.loop, ip("10.0.0.2", 81)) == -ECONNREFUSED);
}

TEST_CASE("Unix sockets are a host's own", "[backend][sim][hosts][not-epoll]") {
  event_loop driver(make_sim_backend());
  guest one(driver, "one"), two(driver, "two");
  host_listener server(one.loop, address::unix_path("@chat"));
  host_listener other(driver, address::unix_path("/run/chat"));

  REQUIRE(connect_from(driver, one.loop, address::unix_path("@chat")) == 0);
  REQUIRE(connect_from(driver, two.loop, address::unix_path("@chat")) == -ECONNREFUSED);
  REQUIRE(connect_from(driver, two.loop, address::unix_path("/run/chat")) == -ENOENT);
  settle(driver);
  REQUIRE(server.accepted.size() == 1);
}

TEST_CASE("nobody connects from an address of somebody else, or to one that nobody has",
          "[backend][sim][hosts][not-epoll]") {
  event_loop driver(make_sim_backend());
  guest one(driver, "one");
  host_listener server(driver, ip("0.0.0.0", 80));
  const address own = ip("10.0.0.2", 0), foreign = ip("10.0.0.1", 0);

  REQUIRE(connect_from(driver, one.loop, ip("10.0.0.1", 80), &foreign) == -EADDRNOTAVAIL);
  REQUIRE(connect_from(driver, one.loop, ip("10.0.0.1", 80), &own) == 0);
  const time_point before = driver.now();
  REQUIRE(connect_from(driver, one.loop, ip("192.168.1.1", 80)) == -EHOSTUNREACH);
  REQUIRE(driver.now() == before + 3s);
}

TEST_CASE("a connect to an address that nobody has any more is refused",
          "[backend][sim][hosts][not-epoll]") {
  event_loop driver(make_sim_backend());
  noting_poll attempt(driver);
  int descriptor = -1;
  REQUIRE(driver.io().connect(ip("192.168.1.1", 80), nullptr, descriptor) == -EINPROGRESS);
  attempt.open(descriptor);
  const guest one(driver, "one");  // and with it, addresses begin to matter

  run_until(driver, [&] { return attempt.calls > 0; });

  REQUIRE(driver.io().connect_result(descriptor) == -ECONNREFUSED);
}

TEST_CASE("the clock moves when no loop has anything to do, and to the next timer of any",
          "[backend][sim][hosts][not-epoll]") {
  event_loop driver(make_sim_backend());
  guest one(driver, "one"), two(driver, "two");
  std::vector<std::string> story;
  const auto beat = [&](std::string who, duration pause) -> task<> {
    for (int i = 0; i < 3; ++i) {
      co_await sleep(pause);
      story.push_back(
          fmt::format("{} {}", who, (event_loop::current()->now() - simulation_start) / 1s));
    }
  };
  auto first = detail::spawn_in(one.loop, one.loop.scope(), beat, "one", 2s);
  auto second = detail::spawn_in(two.loop, two.loop.scope(), beat, "two", 3s);
  auto own = detail::spawn_in(driver, driver.scope(), beat, "own", 4s);

  driver.run_until([&] { return first.done() && second.done() && own.done(); });

  REQUIRE(story == std::vector<std::string>{"one 2", "two 3", "one 4", "own 4", "one 6", "two 6",
                                            "own 8", "two 9", "own 12"});
  REQUIRE(one.turns < 20);
}

TEST_CASE("time stands still while a task of another host is ready",
          "[backend][sim][hosts][not-epoll]") {
  event_loop driver(make_sim_backend());
  guest one(driver, "one");
  const auto spin = []() -> task<> {
    for (int i = 0; i < 1000; ++i) co_await yield();
  };
  auto busy = detail::spawn_in(one.loop, one.loop.scope(), spin);
  auto asleep = detail::spawn_in(driver, driver.scope(), []() -> task<> { co_await sleep(1ns); });

  driver.run_until([&] { return busy.done(); });

  REQUIRE_FALSE(asleep.done());
  REQUIRE(driver.now() == simulation_start);
}

TEST_CASE("another thread wakes the loop of another host, also before its first turn",
          "[backend][sim][hosts][not-epoll]") {
  event_loop driver(make_sim_backend(sim_options().set_patience(1h)));
  for (int round = 0; round < 20; ++round) {
    guest one(driver, fmt::format("host {}", round));
    int seen = 0;
    one.loop.io().begin_external();
    std::thread outside([&] {
      for (int i = 0; i < 3; ++i) post(one.loop, [&] { ++seen; });
      post(one.loop, [&] { one.loop.io().end_external(); });
    });
    driver.run_until([&] { return seen == 3; });
    outside.join();
    driver.run_once(time_point::min());
  }
}

TEST_CASE("a simulation that is stuck names the tasks of all hosts",
          "[backend][sim][hosts][not-epoll]") {
  event_loop driver(make_sim_backend());
  guest one(driver, "one");
  auto waiting = detail::spawn_in(one.loop, one.loop.scope(),
                                  []() -> task<> { co_await sleep(std::chrono::hours::max()); });
  std::string said;
  try {
    driver.run_until([&] { return waiting.done(); });
  } catch (const simulation_stuck& e) {
    said = e.what();
  }
  REQUIRE_THAT(said, ContainsSubstring("one: 1 task"));
}

TEST_CASE("a loop goes in the middle of everything, and another takes its place",
          "[backend][sim][hosts][not-epoll]") {
  event_loop driver(make_sim_backend());
  std::optional<guest> one(std::in_place, driver, "one");
  simulation& network = simulation::of(driver);
  auto server = std::make_unique<host_listener>(one->loop, ip("0.0.0.0", 80));
  REQUIRE(connect_from(driver, driver, ip("10.0.0.2", 80)) == 0);
  int descriptor = -1;
  REQUIRE(driver.io().connect(ip("10.0.0.2", 80), nullptr, descriptor) == -EINPROGRESS);

  simulated_host& at = one->at;
  network.cut_power(at);
  server.reset();
  one.reset();
  for (int i = 0; i < 100; ++i) driver.run_once(driver.now() + 1s);

  class next_loop final : public simulated_turns {
   public:
    next_loop(simulation& in, simulated_host& on) : loop(in.make_backend(on, *this)) {}
    time_point due() override { return loop.due(); }
    void take_turn() override { loop.take_turn(); }
    std::string dump_tasks() override { return {}; }
    event_loop loop;
  };
  next_loop again(network, at);
  host_listener anew(again.loop, ip("0.0.0.0", 80));
  driver.io().close(descriptor, false);
  REQUIRE(connect_from(driver, driver, ip("10.0.0.2", 80)) == 0);
}

}  // namespace sim_hosts_test
