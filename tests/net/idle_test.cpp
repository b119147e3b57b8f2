// The idle timeout: silence in both directions ends a connection.

#include <net/net_fixture.hpp>

#include <cetane/base/errors.hpp>

namespace idle_test {

using namespace cetane;
using namespace cetane::test;

namespace {

struct idle_fixture : net_fixture {
  duration time_until_done(const std::function<bool()>& done) {
    const time_point begin = loop.loop().now();
    until(done);
    return loop.loop().now() - begin;
  }
};

}  // namespace

TEST_CASE_METHOD(idle_fixture, "a silent connection is closed at its timeout, not before",
                 "[net][idle][not-epoll]") {
  here.idle_timeout(5s);
  auto reader = begin(read_line);

  REQUIRE(time_until_done([&] { return reader.done(); }) == 5s);

  try {
    result(reader);
    FAIL("the connection was closed");
  } catch (const connection_closed& e) {
    REQUIRE(e.code() == errc::closed_here);
    REQUIRE(std::string(e.what()).starts_with("idle for 5 s; read a line from 127.0.0.1:"));
  }
  REQUIRE(loop.run(read_to_end, there).empty());
}

TEST_CASE_METHOD(idle_fixture, "every byte that comes or goes begins the time anew",
                 "[net][idle][not-epoll]") {
  here.idle_timeout(5s);
  auto reader = begin(read_line);
  pass_time(loop, 4s);
  arrives("a");
  const time_point came = loop.loop().now();
  pass_time(loop, 4s);
  REQUIRE_FALSE(reader.done());
  result(begin(send_text, "b"));
  const time_point went = loop.loop().now();
  REQUIRE(went > came);

  until([&] { return reader.done(); });

  REQUIRE(loop.loop().now() == went + 5s);
  REQUIRE_THROWS_AS(result(reader), connection_closed);
}

TEST_CASE_METHOD(idle_fixture, "bytes that the peer does not take are no activity",
                 "[net][idle][not-epoll]") {
  std::ignore = here.send(std::string(1'000'000, 'x'));
  settle();
  here.idle_timeout(5s);
  auto trickle = begin([](connection& peer) -> task<> {
    for (;;) {
      if (!peer.try_send("x")) co_return;
      co_await sleep(1s);
    }
  });
  auto watcher = begin(wait_closed);
  REQUIRE(time_until_done([&] { return watcher.done(); }) == 5s);
  REQUIRE_THROWS_AS(result(watcher), connection_closed);
  result(trickle);
}

TEST_CASE_METHOD(idle_fixture, "an idle timeout of zero is none", "[net][idle][not-epoll]") {
  here.idle_timeout(5s).idle_timeout(0s);
  auto reader = begin(read_line);
  pass_time(loop, 600s);
  REQUIRE_FALSE(reader.done());
  arrives("late\n");
  REQUIRE(result(reader) == "late\n");
}

TEST_CASE_METHOD(idle_fixture, "the idle timeout may be changed at any time",
                 "[net][idle][not-epoll]") {
  here.idle_timeout(60s);
  pass_time(loop, 10s);
  here.idle_timeout(2s);
  auto reader = begin(read_line);
  REQUIRE(time_until_done([&] { return reader.done(); }) == 2s);
  REQUIRE_THROWS_AS(result(reader), connection_closed);
}

TEST_CASE_METHOD(idle_fixture, "what is queued when the idle time is over is sent",
                 "[net][idle][not-epoll]") {
  std::ignore = here.send(std::string(1'000'000, 'x'));
  settle();
  here.idle_timeout(1s);
  pass_time(loop, 2s);
  REQUIRE(here.is_closed());
  REQUIRE(loop.run(read_to_end, there).size() == 1'000'000);
}

TEST_CASE_METHOD(idle_fixture, "an idle connection is closed on a real clock too", "[net][idle]") {
  here.idle_timeout(10ms);
  const time_point begin_of_silence = loop.loop().now();
  auto reader = begin(read_line);
  REQUIRE_THROWS_AS(result(reader), connection_closed);
  REQUIRE(loop.loop().now() - begin_of_silence >= 10ms);
}

}  // namespace idle_test
