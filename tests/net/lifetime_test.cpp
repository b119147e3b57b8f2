// Connections that end in the middle of something: their own input, another's, their task's last
// line.

#include <net/net_fixture.hpp>

#include <cetane/base/errors.hpp>

#include <stdexcept>
#include <tuple>

namespace lifetime_test {

using namespace cetane;
using namespace cetane::test;

TEST_CASE("a connection that is empty says so", "[net][lifetime]") {
  connection none;
  REQUIRE_FALSE(none);
  REQUIRE_THROWS_AS(none.until_eol(), std::logic_error);
  REQUIRE_THROWS_AS(none.until("x"), std::logic_error);
  REQUIRE_THROWS_AS(none.receive(1), std::logic_error);
  REQUIRE_THROWS_AS(none.receive_some(), std::logic_error);
  REQUIRE_THROWS_AS(none.until_eof(), std::logic_error);
  REQUIRE_THROWS_AS(none.next_line(), std::logic_error);
  REQUIRE_THROWS_AS(none.next_chunk(), std::logic_error);
  REQUIRE_THROWS_AS(none.send("x"), std::logic_error);
  REQUIRE_THROWS_AS(none.send(priority(1), "x"), std::logic_error);
  REQUIRE_THROWS_AS(none.print("{}", 1), std::logic_error);
  REQUIRE_THROWS_AS(none.try_send("x"), std::logic_error);
  REQUIRE_THROWS_AS(none.send_file("/etc/hostname"), std::logic_error);
  REQUIRE_THROWS_AS(none.drain(), std::logic_error);
  REQUIRE_THROWS_AS(none.send_eof(), std::logic_error);
  REQUIRE_THROWS_AS(none.closed(), std::logic_error);
  REQUIRE_THROWS_AS(none.close(), std::logic_error);
  REQUIRE_THROWS_AS(none.abort(), std::logic_error);
  REQUIRE_THROWS_AS(none.is_closed(), std::logic_error);
  REQUIRE_THROWS_AS(none.remote(), std::logic_error);
  REQUIRE_THROWS_AS(none.local(), std::logic_error);
  REQUIRE_THROWS_AS(none.queued_bytes(), std::logic_error);
  REQUIRE_THROWS_AS(none.idle_timeout(1s), std::logic_error);
  REQUIRE_THROWS_AS(none.label("x"), std::logic_error);
  REQUIRE_THROWS_AS(none.limits({}), std::logic_error);
}

TEST_CASE_METHOD(net_fixture, "a moved connection goes on where it was", "[net][lifetime]") {
  auto reader = begin(read_line);
  settle();
  connection moved = std::move(here);
  REQUIRE_FALSE(here);
  REQUIRE(moved);
  arrives("still read\n");
  REQUIRE(result(reader) == "still read\n");

  here = std::move(moved);
  REQUIRE(here);
  REQUIRE_FALSE(moved);
  arrives("and again\n");
  REQUIRE(loop.run(read_line, here) == "and again\n");
}

TEST_CASE_METHOD(net_fixture, "a connection that is assigned from is empty, the other one closes",
                 "[net][lifetime]") {
  connected_pair second(loop);
  auto reader = begin(read_next_line);

  there = std::move(second.there);

  REQUIRE_FALSE(second.there);
  REQUIRE_FALSE(result(reader).has_value());
}

TEST_CASE_METHOD(net_fixture, "a task may end with the connection that woke it",
                 "[net][lifetime]") {
  for (const char* text : {"line\n", "line\nand more behind it"}) {
    connected_pair pair(loop);
    auto owner = loop.spawn(
        [](connection& own) -> task<> {
          const std::string line = co_await own.until_eol();
          const connection dies(std::move(own));
        },
        std::move(pair.here));
    settle();

    deliver(loop, pair.there, text);

    result(owner);
    pair.there.close();
  }
  until([&] { return stats().connections_closed == 4; });
}

TEST_CASE_METHOD(net_fixture, "a task may reset the connection that woke it", "[net][lifetime]") {
  auto owner = loop.spawn(
      [](connection& own) -> task<> {
        const std::string line = co_await own.until_eol();
        own.abort();
        const connection dies(std::move(own));
      },
      std::move(here));
  settle();
  arrives("line\nand more behind it");
  result(owner);
  REQUIRE(stats().connections_closed == 1);
}

TEST_CASE_METHOD(net_fixture, "a task may end its connection while it has a chunk of it",
                 "[net][lifetime]") {
  auto owner = loop.spawn(
      [](connection& own) -> task<std::string> {
        const chunk kept = co_await own.receive_some();
        {
          own.abort();
          const connection dies(std::move(own));
        }
        co_await yield();
        co_return std::string(kept.view());
      },
      std::move(here));
  settle();
  arrives("kept");
  REQUIRE(result(owner) == "kept");
}

TEST_CASE_METHOD(net_fixture, "a task may end its connection when it sees the end",
                 "[net][lifetime]") {
  auto owner = loop.spawn(
      [](connection& own) -> task<> {
        while (co_await own.next_line()) {
        }
        const connection dies(std::move(own));
      },
      std::move(here));
  settle();
  arrives("line\n");
  there.close();
  result(owner);
  until([&] { return stats().connections_closed == 2; });
}

TEST_CASE_METHOD(net_fixture, "two connections may close each other", "[net][lifetime]") {
  // Both have input in the same round; whoever is first takes the other one with it.
  connected_pair other(loop);
  const auto closes = [](connection& mine, connection& its) -> task<> {
    std::ignore = co_await mine.receive_some();
    its.abort();
  };
  auto one = begin(closes, std::ref(other.here));
  auto two = loop.spawn(closes, std::ref(other.here), std::ref(here));
  settle();

  REQUIRE(there.try_send("x"));
  REQUIRE(other.there.try_send("x"));

  until([&] { return one.done() && two.done(); });
  int thrown = 0;
  for (auto* each : {&one, &two}) {
    try {
      result(*each);
    } catch (const connection_closed&) {
      ++thrown;
    }
  }
  REQUIRE(thrown == 1);
}

TEST_CASE_METHOD(net_fixture, "closing both ends at once is no trouble", "[net][lifetime]") {
  std::ignore = here.send(std::string(300'000, 'x'));
  std::ignore = there.send(std::string(300'000, 'y'));
  settle();
  { const connection gone(std::move(here)); }
  { const connection gone(std::move(there)); }
  until([&] { return stats().connections_closed == 2; });
  REQUIRE(stats().bytes_queued == stats().bytes_sent + stats().bytes_dropped);
}

TEST_CASE_METHOD(net_fixture, "an end that reads may be closed by the other end's task",
                 "[net][lifetime]") {
  auto reader = begin(
      [](connection& mine, connection& its) -> task<> {
        const std::string line = co_await mine.until_eol();
        { const connection gone(std::move(its)); }
        REQUIRE_THROWS_AS(co_await mine.until_eol(), connection_closed);
      },
      std::ref(there));
  settle();
  REQUIRE(there.try_send("line\n"));
  result(reader);
}

TEST_CASE_METHOD(net_fixture, "a connection may go while another one's output is staged",
                 "[net][lifetime]") {
  connected_pair other(loop);
  loop.run(
      [](connection& mine, connection& its) -> task<> {
        co_await mine.send("mine");
        co_await its.send("its");
        { const connection gone(std::move(mine)); }
        co_await its.send(", more");
      },
      here, other.here);
  REQUIRE(loop.run(read_to_end, there) == "mine");
  REQUIRE(loop.run(read_some, other.there) == "its, more");
}

TEST_CASE("a loop may end while connections are in every state", "[net][lifetime]") {
  test_loop loop;
  connected_pair reading(loop), sending(loop), closing(loop), watched(loop);
  auto one = loop.spawn(read_line, std::ref(reading.here));
  auto two = loop.spawn(send_text, std::ref(sending.here), std::string(9'000'000, 'x'));
  auto three = loop.spawn(wait_closed, std::ref(watched.here));
  auto owner = loop.spawn([](connection& own) -> task<> { std::ignore = co_await own.until_eol(); },
                          std::move(reading.there));
  std::ignore = closing.here.send(std::string(9'000'000, 'x'));
  { const connection gone(std::move(closing.here)); }
  settle(loop);
  REQUIRE_FALSE((one.done() || two.done() || three.done() || owner.done()));
}

TEST_CASE_METHOD(net_fixture, "every connection that was opened is closed once",
                 "[net][lifetime]") {
  for (int i = 0; i < 20; ++i) {
    connected_pair pair(loop);
    if (i % 2 == 0) deliver(loop, pair.there, "unread");
    if (i % 3 == 0) pair.here.abort();
    if (i % 5 == 0) pair.there.close();
  }
  until([&] { return stats().connections_closed == 40; });
  settle();
  REQUIRE(stats().connections_opened == 42);
  REQUIRE(stats().connections_closed == 40);
}

}  // namespace lifetime_test
