// A host with several addresses: which is tried when, who wins, and what becomes of the others
// (RFC 8305). The order and the times on a simulated network, to the nanosecond.
#include "net/connect_race.hpp"

#include <cetane/cetane.hpp>
#include <cetane/testing.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <chrono>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace connect_race_test {

using namespace cetane;
using namespace cetane::testing;
using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::EndsWith;

namespace {

using texts = std::vector<std::string>;

std::vector<address> of(const texts& ips) {
  std::vector<address> addresses;
  for (const std::string& each : ips) addresses.push_back(*address::parse_ip(each, 0));
  return addresses;
}

// Who connects is told where it has come.
task<> tell_where(connection& peer) { co_await peer.send(peer.local().host(), "\n"); }

// Four machines that share the name "db". Each way takes 10 ms, so that a connection takes 20.
class four_hosts {
 public:
  explicit four_hosts(world& w) : world_(w) {
    w.faults_are(faults().latency(10ms, 10ms));
    hosts = {&w.host("a"), &w.host("b"), &w.host("c"), &w.host("d")};
  }

  // The addresses of "db": "a4" is the IPv4 address of the first, and so on.
  void name_is(const texts& codes) {
    texts ips;
    for (const std::string& code : codes) ips.push_back(ip(code));
    world_.name_is("db", ips);
  }
  std::string ip(const std::string& code) const {
    const std::string number = std::to_string(code[0] - 'a' + 2);
    return (code[1] == '6' ? "fd00::" : "10.0.0.") + number;
  }
  void silence(std::size_t number) { world_.partition(*hosts[number]); }
  void silence_all() {
    for (std::size_t i = 0; i < hosts.size(); ++i) silence(i);
  }
  [[nodiscard]] served serve(std::size_t number, const std::string& at) {
    return hosts[number]->serve(service(tell_where, 80).host(at));
  }

  std::vector<testing::host*> hosts;

 private:
  world& world_;
};

// Which addresses were tried, each with the milliseconds since the test began: "250 fd00::2".
texts tries(world& w) {
  texts found;
  std::istringstream log(w.log_tail(10'000));
  for (std::string line; std::getline(log, line);) {
    const auto at = line.find(" connects from ");
    if (at == line.npos) continue;
    const auto when = std::stod(line) - 1000;  // a simulation begins at 1000 s
    const std::string where = line.substr(line.rfind(" to ") + 4);
    const std::string host = where.substr(0, where.rfind(':'));
    found.push_back(fmt::format("{:.0f} {}", when * 1000, host));
  }
  return found;
}

struct outcome {
  std::string where;  // what the server said
  std::string failure;
  std::error_code code;
  duration took{};
};

task<outcome> call(world& w, connect_op op) {
  outcome of_this;
  const duration before = w.elapsed();
  std::optional<connection> made;
  try {
    made = co_await std::move(op);
  } catch (const connect_error& e) {
    of_this.failure = e.what();
    of_this.code = e.code();
  }
  of_this.took = w.elapsed() - before;
  if (made) of_this.where = trim(co_await made->until_eol());
  co_return of_this;
}

}  // namespace

TEST_CASE("addresses are tried by turns of their families, the family of the first one first",
          "[net][connect]") {
  CHECK(detail::by_turns(of({"::1", "::2", "::3", "1.1.1.1", "2.2.2.2"})) ==
        of({"::1", "1.1.1.1", "::2", "2.2.2.2", "::3"}));
  CHECK(detail::by_turns(of({"1.1.1.1", "2.2.2.2", "::1"})) == of({"1.1.1.1", "::1", "2.2.2.2"}));
  CHECK(detail::by_turns(of({"1.1.1.1", "::1", "::2", "::3"})) ==
        of({"1.1.1.1", "::1", "::2", "::3"}));
  CHECK(detail::by_turns(of({"::1"})) == of({"::1"}));
  CHECK(detail::by_turns({}).empty());
}

TEST_CASE("the next address is tried every 250 ms while none has answered",
          "[net][connect][not-epoll]") {
  world(1).run([](world& w) -> task<> {
    four_hosts db(w);
    db.name_is({"a6", "b6", "c4", "d4"});
    db.silence_all();
    const outcome met = co_await call(w, connect("db", 80).timeout(5s));

    REQUIRE(tries(w) == texts{"0 [fd00::2]", "250 10.0.0.4", "500 [fd00::3]", "750 10.0.0.5"});
    REQUIRE(met.took == 5s);
    REQUIRE(met.failure ==
            "connect to db:80: no connection within 5 s ([fd00::2]:80: no answer; 10.0.0.4:80: no "
            "answer; [fd00::3]:80: no answer; 10.0.0.5:80: no answer)");
    REQUIRE(met.code == std::errc::timed_out);
    REQUIRE(w.open_descriptors() == 0);
  });
}

TEST_CASE("the delay before the next address can be said, from 100 ms to 2 s",
          "[net][connect][not-epoll]") {
  world(1).run([](world& w) -> task<> {
    four_hosts db(w);
    db.name_is({"a4", "b4", "c4"});
    db.silence_all();
    const outcome met = co_await call(w, connect("db", 80).timeout(5s).attempt_delay(100ms));

    REQUIRE(tries(w) == texts{"0 10.0.0.2", "100 10.0.0.3", "200 10.0.0.4"});
    REQUIRE(met.took == 5s);
    REQUIRE_THROWS_AS(connect("db", 80).attempt_delay(99ms), std::invalid_argument);
    REQUIRE_THROWS_AS(connect("db", 80).attempt_delay(2001ms), std::invalid_argument);
    REQUIRE_NOTHROW(connect("db", 80).attempt_delay(2s));
  });
}

TEST_CASE("an address that refuses is followed by the next one at once",
          "[net][connect][not-epoll]") {
  world(1).run([](world& w) -> task<> {
    four_hosts db(w);
    db.name_is({"a6", "b4", "c6", "d4"});
    const auto server = db.serve(3, "0.0.0.0");
    const outcome met = co_await call(w, connect("db", 80));

    REQUIRE(met.where == "10.0.0.5");
    REQUIRE(tries(w) == texts{"0 [fd00::2]", "20 10.0.0.3", "40 [fd00::4]", "60 10.0.0.5"});
    REQUIRE(met.took == 80ms);
  });
}

TEST_CASE("what fails while later addresses are tried brings the next one forward",
          "[net][connect][not-epoll]") {
  world(1).run([](world& w) -> task<> {
    four_hosts db(w);
    db.name_is({"a4", "b4", "c4", "d4"});
    w.faults_are(faults().latency(150ms, 150ms));  // a refusal takes 300 ms
    db.silence(1);
    const auto server = db.serve(3, "0.0.0.0");
    const outcome met = co_await call(w, connect("db", 80));

    // The third begins when the first has failed, the fourth 250 ms later.
    REQUIRE(tries(w) == texts{"0 10.0.0.2", "250 10.0.0.3", "300 10.0.0.4", "550 10.0.0.5"});
    REQUIRE(met.where == "10.0.0.5");
    REQUIRE(met.took == 850ms);
  });
}

TEST_CASE("the first that connects wins, and the others are closed", "[net][connect][not-epoll]") {
  world(1).run([](world& w) -> task<> {
    four_hosts db(w);
    db.name_is({"a4", "b4", "c4"});
    db.silence(0);
    const auto server = db.serve(1, "0.0.0.0");
    std::optional<connection> made = co_await connect("db", 80);

    REQUIRE(tries(w) == texts{"0 10.0.0.2", "250 10.0.0.3"});
    REQUIRE(w.elapsed() == 270ms);
    REQUIRE(made->remote().host() == "10.0.0.3");
    REQUIRE(w.open_descriptors() == 2);  // it, and the listener, which has not heard of it yet
    made.reset();
    co_await sleep(1min);
    REQUIRE(w.open_descriptors() == 1);
  });
}

TEST_CASE("an early attempt that answers late still wins", "[net][connect][not-epoll]") {
  world(1).run([](world& w) -> task<> {
    four_hosts db(w);
    db.name_is({"a4", "b4", "c4", "d4"});
    db.silence_all();
    const auto server = db.serve(0, "0.0.0.0");
    auto calling = spawn(call, std::ref(w), connect("db", 80));
    co_await sleep(900ms);
    w.reconnect(*db.hosts[0]);
    const outcome met = co_await calling;

    REQUIRE(tries(w).size() == 4);
    REQUIRE(met.where == "10.0.0.2");
    REQUIRE(met.took == 1020ms);  // its system asks again after a second
    co_await sleep(1min);
    REQUIRE(w.open_descriptors() == 1);  // the listener
  });
}

TEST_CASE("of two that connect in the same turn one is kept and the other closed",
          "[net][connect][not-epoll]") {
  simulate(30, [](world& w) -> task<> {
    four_hosts db(w);
    auto& last = w.host("last");
    w.faults_are(faults().latency(10ms, 10ms).shuffled_turns());
    w.name_is("db", {"10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5", last.ip()});
    db.silence_all();
    const auto early = db.serve(0, "0.0.0.0");
    const auto late = last.serve(service(tell_where, 80).host("0.0.0.0"));
    auto calling = spawn(call, std::ref(w), connect("db", 80));
    co_await sleep(900ms);
    w.reconnect(*db.hosts[0]);  // asks again at 1 s, when the fifth begins
    const outcome met = co_await calling;

    REQUIRE(tries(w).size() == 5);
    REQUIRE((met.where == "10.0.0.2" || met.where == last.ip()));
    REQUIRE(met.took == 1020ms);
    co_await sleep(1min);
    REQUIRE(w.open_descriptors() == 2);  // the listeners
    REQUIRE(early.connections() + late.connections() == 0);
  });
}

TEST_CASE("when all have failed the error names each address and its reason",
          "[net][connect][not-epoll]") {
  world(1).run([](world& w) -> task<> {
    four_hosts db(w);
    w.name_is("db", {"10.0.0.2", "fd00::99", "10.0.0.3"});
    const outcome met = co_await call(w, connect("db", 80));

    REQUIRE(met.failure ==
            "connect to db:80: 10.0.0.2:80: connection refused; [fd00::99]:80: no route to host; "
            "10.0.0.3:80: connection refused");
    REQUIRE(met.code == std::errc::connection_refused);
    REQUIRE(w.open_descriptors() == 0);
  });
}

TEST_CASE("an error about very many addresses names some", "[net][connect][not-epoll]") {
  world(1).run([](world& w) -> task<> {
    w.host("a");
    texts ips;
    for (int i = 1; i <= 20; ++i) ips.push_back(fmt::format("10.0.9.{}", i));
    w.name_is("db", ips);
    const outcome met = co_await call(w, connect("db", 80));

    REQUIRE_THAT(met.failure, ContainsSubstring("10.0.9.8:80: no route to host; and 12 more"));
    REQUIRE(tries(w).size() == 20);
  });
}

TEST_CASE("the time for the name counts, and what had come by then is told",
          "[net][connect][not-epoll]") {
  world(1).run([](world& w) -> task<> {
    four_hosts db(w);
    db.name_is({"a4", "b4"});
    db.silence_all();
    w.names_take(3s, 3s);
    const outcome no_name = co_await call(w, connect("db", 80).timeout(2s));
    REQUIRE(no_name.failure ==
            "connect to db:80: no connection within 2 s (its name was not resolved)");
    REQUIRE(no_name.took == 2s);

    const outcome no_peer =
        co_await call(w, connect("db", 80).timeout(2s));  // known a second later
    REQUIRE(tries(w) == texts{"3000 10.0.0.2", "3250 10.0.0.3"});
    REQUIRE_THAT(no_peer.failure,
                 EndsWith("within 2 s (10.0.0.2:80: no answer; 10.0.0.3:80: no answer)"));
    REQUIRE(no_peer.took == 2s);
  });
}

TEST_CASE("a host that is never reached takes 30 s", "[net][connect][not-epoll]") {
  world(1).run([](world& w) -> task<> {
    four_hosts db(w);
    db.name_is({"a4", "b6"});
    db.silence_all();
    const outcome met = co_await call(w, connect("db", 80));
    REQUIRE(met.took == 30s);
    REQUIRE(met.code == std::errc::timed_out);
  });
}

TEST_CASE("who connects from an address of one family tries that family alone",
          "[net][connect][not-epoll]") {
  world(1).run([](world& w) -> task<> {
    four_hosts db(w);
    auto& home = w.host("home");
    db.name_is({"a6", "b4", "c6"});
    const auto server = db.serve(2, "::");
    const auto from = [&](std::string ip) -> task<outcome> {
      outcome of_this;
      try {
        connection made = co_await connect("db", 80).from(ip);
        of_this.where = trim(co_await made.until_eol());
      } catch (const connect_error& e) {
        of_this.failure = e.what();
      }
      co_return of_this;
    };
    auto six = home.spawn(from, std::string("fd00::6"));
    const outcome met = co_await six;
    REQUIRE(met.where == "fd00::4");
    REQUIRE(tries(w) == texts{"0 [fd00::2]", "20 [fd00::4]"});

    w.name_is("four", {"10.0.0.3"});
    const auto four = [&]() -> task<outcome> {
      outcome of_this;
      try {
        const connection made = co_await connect("four", 80).from("fd00::6");
      } catch (const connect_error& e) {
        of_this.failure = e.what();
        of_this.code = e.code();
      }
      co_return of_this;
    };
    const outcome none = co_await four();
    REQUIRE_THAT(none.failure,
                 ContainsSubstring("connect to four:80 from fd00::6, to which no address"));
    REQUIRE(none.code == std::errc::address_family_not_supported);
  });
}

TEST_CASE("a connect to several addresses that is cancelled at any moment leaves nothing",
          "[net][connect][not-epoll]") {
  const std::size_t moments = cancel_everywhere([](world& w) -> task<> {
    four_hosts db(w);
    w.names_take(1s, 1s);
    db.name_is({"a4", "b4", "c4", "d4"});
    db.silence(0);
    const auto server = db.serve(2, "0.0.0.0");
    const outcome met = co_await call(w, connect("db", 80));
    REQUIRE(met.where == "10.0.0.4");
  });
  REQUIRE(moments > 5);
}

TEST_CASE("whatever becomes of the attempts, one connection or a reason is the result",
          "[net][connect][not-epoll]") {
  std::size_t made = 0;
  std::size_t failed = 0;
  simulate(300, [&](world& w) -> task<> {
    four_hosts db(w);
    w.faults_are(faults()
                     .latency(0ms, 400ms)
                     .refused_connects(0.3)
                     .timed_out_connects(0.2)
                     .lost_connects(0.3)
                     .unreachable_connects(0.2)
                     .full_backlogs(0.3)
                     .shuffled_turns());
    db.name_is({"a6", "a4", "b4", "b6", "c4", "d6"});
    const auto one = db.serve(0, "::");
    const auto two = db.serve(1, "::");
    const auto three = db.serve(2, "::");
    const auto four = db.serve(3, "::");
    const outcome met = co_await call(w, connect("db", 80).timeout(20s));

    REQUIRE(met.where.empty() != met.failure.empty());
    ++(met.failure.empty() ? made : failed);
    if (!met.failure.empty()) {
      for (const char* ip : {"[fd00::2]:80: ", "10.0.0.2:80: ", "10.0.0.3:80: ", "[fd00::3]:80: ",
                             "10.0.0.4:80: ", "[fd00::5]:80: "}) {
        REQUIRE_THAT(met.failure, ContainsSubstring(ip));
      }
    }
    REQUIRE(met.took <= 20s);
    co_await sleep(1min);
    REQUIRE(w.open_descriptors() == 4);  // the listeners
  });
  REQUIRE(made > 200);
  REQUIRE(failed > 2);
}

}  // namespace connect_race_test
