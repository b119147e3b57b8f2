#include "net_fixture.hpp"

#include <cetane/base/errors.hpp>
#include <cetane/conc/timeout.hpp>

#include <catch2/catch_test_macros.hpp>

#include <optional>
#include <string>

namespace read_timeout_test {

using namespace cetane;
using cetane::test::net_fixture;
using namespace std::chrono_literals;

namespace {

time_point now() { return event_loop::current()->now(); }

}  // namespace

TEST_CASE("a read that times out says what was read from whom, and takes nothing",
          "[net][timeout]") {
  net_fixture net;
  net.arrives("half a li");

  net.loop.run(
      [](connection& peer) -> task<> {
        const time_point begin = now();
        std::string text;
        try {
          co_await with_timeout(25ms, peer.until_eol());
        } catch (const timed_out& e) {
          text = e.what();
        }
        CHECK(text == "read a line from " + peer.remote().to_string() + ": not done within 25 ms");
        CHECK(now() - begin >= 25ms);
      },
      net.here);
  net.arrives("ne\n");

  CHECK(net.result(net.begin(test::read_line)) == "half a line\n");
  CHECK(net.stats().timers_live == 0);
}

TEST_CASE("a line in time leaves no timer behind", "[net][timeout]") {
  net_fixture net;
  auto reading = net.begin([](connection& peer) -> task<std::string> {
    co_return co_await with_timeout(1h, peer.until_eol());
  });
  net.settle();
  CHECK(net.stats().timers_live > 0);

  net.arrives("in time\n");

  CHECK(net.result(reading) == "in time\n");
  CHECK(net.stats().timers_live == 0);
}

TEST_CASE("the end of the input and the end of the time are told apart", "[net][timeout]") {
  net_fixture net;
  auto within = [](connection& peer, duration span) -> task<std::string> {
    auto line = co_await move_on_after(span, peer.next_line());
    if (!line) co_return "too late";
    co_return *line ? **line : "the end";
  };

  CHECK(net.result(net.begin(within, duration(1ms))) == "too late");
  net.arrives("a line\n");
  CHECK(net.result(net.begin(within, duration(0s))) == "a line");
  net.peer_ends();
  CHECK(net.result(net.begin(within, duration(1h))) == "the end");
}

TEST_CASE("sends and other waits on a connection can time out", "[net][timeout]") {
  net_fixture net;

  net.loop.run(
      [](connection& peer) -> task<> {
        const std::string much(1 << 20, 'x');
        const bool sent = co_await move_on_after(1h, peer.send("little"));
        CHECK(sent);
        const bool room = co_await move_on_after(5ms, peer.send(much));
        CHECK_FALSE(room);
        const auto closed = co_await move_on_after(5ms, peer.closed());
        CHECK_FALSE(closed.has_value());
        peer.abort();
      },
      net.here);

  net.settle();
}

}  // namespace read_timeout_test
