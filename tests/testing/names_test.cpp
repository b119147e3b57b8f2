// Names that take their time, fail for the moment, or lead to somebody who is not there.
#include <cetane/cetane.hpp>
#include <cetane/testing.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

namespace names_test {

using namespace cetane;
using namespace cetane::testing;
using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;

namespace {

task<> who_is_here(connection& peer) { co_await peer.send(peer.local().host(), "\n"); }

// The addresses of a name, or why there are none.
task<std::string> addresses(std::string host) {
  std::string text;
  try {
    const std::vector<address> found = co_await resolve(std::move(host), 80);
    for (const address& each : found) text += (text.empty() ? "" : " ") + each.to_string();
  } catch (const resolve_error& e) {
    text = e.what();
  }
  co_return text;
}

task<std::string> line_of(std::string host, std::uint16_t port) {
  connection c = co_await connect(std::move(host), port);
  const std::string line = co_await c.until_eol();
  co_return std::string(trim(line));
}

}  // namespace

TEST_CASE("without hosts, every name is this machine, until one is told", "[testing][names]") {
  world(1).run([](world& w) -> task<> {
    const std::string any = co_await addresses("chat.example");
    w.name_is("db", {"10.1.1.1", "::1"});
    const std::string told = co_await addresses("DB.");
    const std::string untold = co_await addresses("other.example");
    const std::string local = co_await addresses("localhost");

    REQUIRE(any == "127.0.0.1:80");
    REQUIRE(told == "10.1.1.1:80 [::1]:80");
    REQUIRE_THAT(untold, ContainsSubstring("resolve other.example"));
    REQUIRE(local == "127.0.0.1:80");
    REQUIRE_THROWS_AS(w.name_is("db", {"db2"}), std::invalid_argument);
  });
}

TEST_CASE("an answer takes the time that was drawn, and is then remembered for a minute",
          "[testing][names]") {
  simulate(20, [](world& w) -> task<> {
    w.host("db");
    w.host("web");
    w.names_take(2s, 3s);
    const duration before = w.elapsed();
    const std::string first = co_await addresses("db");
    const duration took = w.elapsed() - before;
    const std::string again = co_await addresses("db");
    const duration at_once = w.elapsed() - before - took;
    const duration now = w.elapsed();
    auto elsewhere = w.host("web").spawn(addresses, "db");
    co_await elsewhere;
    const duration took_elsewhere = w.elapsed() - now;
    co_await sleep(61s);
    const duration later = w.elapsed();
    const std::string anew = co_await addresses("db");

    REQUIRE(first == "10.0.0.2:80");
    REQUIRE(took >= 2s);
    REQUIRE(took <= 3s);
    REQUIRE(again == first);
    REQUIRE(at_once == 0s);
    REQUIRE(took_elsewhere >= 2s);
    REQUIRE(anew == first);
    REQUIRE(w.elapsed() - later >= 2s);
  });
}

TEST_CASE("a slow name counts for the limit of a connect", "[testing][names]") {
  world(1).run([](world& w) -> task<> {
    w.host("db");
    w.names_take(1min, 1min);
    const duration before = w.elapsed();
    bool timed = false;
    try {
      connection c = co_await connect("db", 80).timeout(5s);
    } catch (const connect_timeout&) {
      timed = true;
    }
    REQUIRE(timed);
    REQUIRE(w.elapsed() - before == 5s);
  });
}

TEST_CASE("a name that fails for the moment says so, and resolves again after heal()",
          "[testing][names]") {
  world(1).run([](world& w) -> task<> {
    w.host("db");
    w.host("web");
    w.names_fail("db");
    const std::string failing = co_await addresses("db");
    const std::string other = co_await addresses("web");
    w.heal();
    const std::string healed = co_await addresses("db");

    REQUIRE_THAT(failing, ContainsSubstring("resolve db") && ContainsSubstring("emporary failure"));
    REQUIRE(other == "10.0.0.3:80");
    REQUIRE(healed == "10.0.0.2:80");
  });
}

TEST_CASE("a share of the questions fails, and who tries again gets through", "[testing][names]") {
  std::size_t failed = 0, asked = 0;
  simulate(50, [&](world& w) -> task<> {
    w.host("db");
    w.names_fail(0.5);
    for (int i = 0; i < 10; ++i) {
      const std::string answer = co_await addresses("db");
      ++asked;
      if (answer != "10.0.0.2:80") ++failed;
      co_await sleep(2min);
    }
    REQUIRE_THROWS_AS(w.names_fail(1.5), std::invalid_argument);
    REQUIRE_THROWS_AS(w.names_take(2s, 1s), std::invalid_argument);
  });

  REQUIRE(asked == 500);
  REQUIRE(failed > 150);
  REQUIRE(failed < 350);
}

TEST_CASE("of a name with several addresses, the next is tried where nobody is at the first",
          "[testing][names]") {
  world(1).run([](world& w) -> task<> {
    auto& one = w.host("one");
    auto& two = w.host("two");
    w.name_is("db", {"10.0.0.99", one.ip(), two.ip()});
    const auto& server = two.serve(service(who_is_here, 80));

    const duration before = w.elapsed();
    const std::string where = co_await line_of("db", server.port());

    REQUIRE(where == "10.0.0.3");
    REQUIRE(w.elapsed() - before >= 250ms);  // until nobody has answered at the first
    REQUIRE(w.elapsed() - before < 300ms);
  });
}

TEST_CASE("a name that moves is followed once the old address is forgotten", "[testing][names]") {
  world(1).run([](world& w) -> task<> {
    auto& one = w.host("one");
    auto& two = w.host("two");
    const auto& first = one.serve(service(who_is_here, 80));
    const auto& second = two.serve(service(who_is_here, 80));
    w.name_is("db", {one.ip()});
    const std::string before = co_await line_of("db", first.port());
    w.name_is("db", {two.ip()});
    const std::string at_once = co_await line_of("db", 80);
    co_await sleep(1min);
    const std::string later = co_await line_of("db", second.port());

    REQUIRE(before == "10.0.0.2");
    REQUIRE(at_once == "10.0.0.2");
    REQUIRE(later == "10.0.0.3");
  });
}

TEST_CASE("a host that starts again remembers no names", "[testing][names]") {
  world(1).run([](world& w) -> task<> {
    auto& web = w.host("web");
    w.name_is("db", {"10.0.0.50"});
    auto before = web.spawn(addresses, "db");
    const std::string first = co_await before;
    w.name_is("db", {"10.0.0.51"});
    web.crash();
    web.restart();
    auto after = web.spawn(addresses, "db");
    const std::string second = co_await after;

    REQUIRE(first == "10.0.0.50:80");
    REQUIRE(second == "10.0.0.51:80");
  });
}

TEST_CASE("a host's name is a name of its own, and there are not more hosts than addresses",
          "[testing][names]") {
  world(1).run([](world& w) -> task<> {
    for (const char* name : {"", "localhost", "10.0.0.1", "::1"})
      REQUIRE_THROWS_AS(w.host(name), std::invalid_argument);
    for (int i = 0; i < 253; ++i) w.host("h" + std::to_string(i));
    REQUIRE(w.host("h252").ip() == "10.0.0.254");
    REQUIRE_THROWS_AS(w.host("one more"), std::length_error);
    co_return;
  });
}

}  // namespace names_test
