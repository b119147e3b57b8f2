#include <cetane/cetane.hpp>
#include <cetane/testing.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <string>

namespace cancel_everywhere_test {

using namespace cetane;
using namespace cetane::testing;
using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;

namespace {

task<> echo(connection& peer) {
  for (;;) co_await peer.send(co_await peer.until_eol());
}

task<> talk(world& w) {
  const auto& server = w.serve(service(echo, 0));
  connection c = co_await connect("echo", server.port());
  for (int i = 0; i < 3; ++i) {
    co_await c.send("line\n");
    const std::string answer = co_await c.until_eol();
    REQUIRE(answer == "line\n");
    co_await sleep(1s);
  }
}

std::string complaint(const std::function<task<>(world&)>& scenario) {
  try {
    cancel_everywhere(scenario);
  } catch (const unfinished& e) {
    return e.what();
  }
  return "";
}

}  // namespace

TEST_CASE("a client and its server may be cut short at any moment, and that is counted",
          "[testing][cancel_everywhere]") {
  const std::size_t moments = cancel_everywhere(talk);

  CHECK(moments > 10);
  CHECK(cancel_everywhere(talk) == moments);
}

TEST_CASE("a scenario without an await has one moment, before it begins",
          "[testing][cancel_everywhere]") {
  int runs = 0;
  CHECK(cancel_everywhere([&](world&) -> task<> {
          ++runs;
          co_return;
        }) == 1);
  CHECK(runs == 2);
}

TEST_CASE("what a scenario leaves behind at one moment only is found",
          "[testing][cancel_everywhere]") {
  const std::string said = complaint([](world&) -> task<> {
    auto helper = spawn([]() -> task<> { co_await sleep(24h); });
    helper.label("the forgotten one");
    co_await sleep(1s);
    co_await sleep(1s);
    helper.cancel();  // not reached by who is cancelled before
  });

  CHECK_THAT(said,
             ContainsSubstring("left something behind") && ContainsSubstring("the forgotten one"));
}

TEST_CASE("an error that comes of the cancellation fails the test",
          "[testing][cancel_everywhere]") {
  const auto scenario = [](world&) -> task<> {
    bool done = false;
    try {
      co_await sleep(1s);
      done = true;
    } catch (const cancelled&) {
    }
    if (!done) throw std::runtime_error("it was not done");
  };
  CHECK_THROWS_AS(cancel_everywhere(scenario), std::runtime_error);
}

TEST_CASE("handlers that end by an exception are found at whatever moment",
          "[testing][cancel_everywhere]") {
  static constexpr auto picky = [](connection& peer) -> task<> {
    const auto line = co_await peer.next_line();
    if (!line) throw std::runtime_error("no line came");
  };
  const std::string said = complaint([](world& w) -> task<> {
    const auto& server = w.serve(service(picky, 0));
    {
      connection c = co_await connect("picky", server.port());
      co_await sleep(1s);
      co_await c.send("line\n");
    }
    co_await sleep(1s);
  });
  // Cut short between connect and send, the client leaves, and so does the server.
  CHECK(said.empty());
}

}  // namespace cancel_everywhere_test
