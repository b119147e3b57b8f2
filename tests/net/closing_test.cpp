// How a connection ends on this side: flushed, ended, lingered; or reset.

#include <net/net_fixture.hpp>

#include <cetane/backend/sim.hpp>
#include <cetane/base/errors.hpp>
#include <cetane/base/literals.hpp>

#include <catch2/generators/catch_generators.hpp>

#include <tuple>
#include <vector>

namespace closing_test {

using namespace cetane;
using namespace cetane::test;

namespace {

struct closing_fixture : net_fixture {
  // Lets go of this end, as a handler does that has ended.
  void let_go() { const connection gone(std::move(here)); }

  bool closed(std::uint64_t how_many) { return stats().connections_closed == how_many; }

  // The loop's time from now until `count` connections are closed altogether.
  duration time_until_closed(std::uint64_t count) {
    const time_point begin = loop.loop().now();
    until([&] { return closed(count); });
    return loop.loop().now() - begin;
  }

  // What a read throws when the connection is gone.
  template <class Read>
  std::error_code read_error(Read read) {
    try {
      result(begin(read));
    } catch (const connection_closed& e) {
      return e.code();
    }
    return {};
  }
};

// Takes `bytes` at a time, with a pause before each.
task<std::string> read_slowly(connection& from, std::size_t bytes, duration pause) {
  std::string all;
  for (;;) {
    co_await sleep(pause);
    try {
      const std::string more = co_await from.receive(bytes);
      all += more;
    } catch (const connection_closed& e) {
      co_return all + e.leftover();
    }
  }
}

}  // namespace

TEST_CASE_METHOD(closing_fixture, "NEW-1 all that was sent arrives after its owner let go",
                 "[net][closing]") {
  const std::string sent = pattern(20'000'000);
  REQUIRE(here.send(sent).await_ready() == false);
  let_go();

  auto reader = loop.spawn(read_slowly, std::ref(there), std::size_t{1'000'000}, duration(1ms));

  REQUIRE(result(reader) == sent);
  there.close();
  until([&] { return closed(2); });
  REQUIRE(stats().bytes_dropped == 0);
}

TEST_CASE_METHOD(closing_fixture, "PIPE-10 closing sends what is queued, then the end",
                 "[net][closing]") {
  loop.run(
      [](connection& peer) -> task<> {
        co_await peer.send(std::string(100'000, 'x'));
        co_await peer.send("last words");
        peer.close();
        REQUIRE(peer.is_closed());
      },
      here);

  REQUIRE(loop.run(read_to_end, there) == std::string(100'000, 'x') + "last words");
}

TEST_CASE_METHOD(closing_fixture, "PIPE-11 after closing, sending is refused and sends nothing",
                 "[net][closing]") {
  here.close();

  REQUIRE_FALSE(here.try_send("more"));
  try {
    result(begin(send_text, "more"));
    FAIL("the connection is closed");
  } catch (const connection_closed& e) {
    REQUIRE(e.code() == errc::closed_here);
    REQUIRE(e.peer() == here.remote().to_string());
  }
  REQUIRE_THROWS_AS(result(begin(drain)), connection_closed);
  REQUIRE_THROWS_AS(result(begin(send_eof)), connection_closed);
  REQUIRE(loop.run(read_to_end, there).empty());
  REQUIRE(stats().bytes_queued == 0);
}

TEST_CASE_METHOD(closing_fixture, "PIPE-11 nothing joins what is still to leave after closing",
                 "[net][closing]") {
  const std::string sent = pattern(1'000'000);
  std::ignore = here.send(sent);
  settle();
  here.close();
  const std::size_t waiting = here.queued_bytes();
  REQUIRE(waiting > 0);

  REQUIRE_FALSE(here.try_send(""));
  REQUIRE_FALSE(here.try_send("more"));
  std::ignore = here.send(priority(9), "urgent");
  REQUIRE(here.queued_bytes() == waiting);

  REQUIRE(loop.run(read_to_end, there) == sent);
}

TEST_CASE_METHOD(closing_fixture, "closing ends a read and a wait to send", "[net][closing]") {
  auto reader = begin(read_line);
  auto writer = begin(send_text, std::string(3'000'000, 'x'));
  settle();
  REQUIRE_FALSE(writer.done());

  here.close();

  try {
    result(reader);
    FAIL("the connection is closed");
  } catch (const connection_closed& e) {
    REQUIRE(e.code() == errc::closed_here);
  }
  REQUIRE_THROWS_AS(result(writer), connection_closed);
  REQUIRE(loop.run(read_to_end, there).size() == 3'000'000);
}

TEST_CASE_METHOD(closing_fixture, "closing twice is closing once", "[net][closing]") {
  here.close();
  here.close();
  here.abort();
  let_go();
  there.close();
  until([&] { return closed(2); });
  settle();
  REQUIRE(stats().connections_closed == 2);
}

TEST_CASE_METHOD(closing_fixture, "a reader finds a closed connection closed, whatever is buffered",
                 "[net][closing]") {
  arrives("unread\n");
  here.close();
  REQUIRE(read_error(read_line) == errc::closed_here);
  REQUIRE(read_error(read_some) == errc::closed_here);
  REQUIRE(read_error(read_next_line) == errc::closed_here);
  REQUIRE(read_error(read_next_chunk) == errc::closed_here);
  REQUIRE(read_error(read_to_end) == errc::closed_here);
}

TEST_CASE_METHOD(closing_fixture, "closing waits for the peer's end, and no longer",
                 "[net][closing]") {
  let_go();
  settle();
  REQUIRE(closed(0));
  REQUIRE(loop.run(read_to_end, there).empty());

  there.close();

  until([&] { return closed(2); });
}

TEST_CASE_METHOD(closing_fixture, "a peer that has ended already is not waited for",
                 "[net][closing]") {
  peer_ends();
  let_go();
  REQUIRE(closed(1));
}

TEST_CASE_METHOD(closing_fixture, "a peer that does not end is waited for one second",
                 "[net][closing][not-epoll]") {
  let_go();
  REQUIRE(time_until_closed(1) == 1s);
}

TEST_CASE_METHOD(closing_fixture, "the second of waiting begins when all has been written",
                 "[net][closing][not-epoll]") {
  REQUIRE(here.send(std::string(1'000'000, 'x')).await_ready() == false);
  let_go();
  auto reader = loop.spawn(read_slowly, std::ref(there), std::size_t{100'000}, duration(2s));
  until([&] { return stats().bytes_sent == 1'000'000; });
  REQUIRE(closed(0));
  REQUIRE(time_until_closed(1) == 1s);
  REQUIRE(result(reader).size() == 1'000'000);
}

TEST_CASE_METHOD(closing_fixture, "what the peer still sends is dropped while it is waited for",
                 "[net][closing]") {
  let_go();
  for (int i = 0; i < 20; ++i) {
    if (!there.try_send(std::string(10'000, 'x'))) break;
    settle();
  }
  REQUIRE(loop.run(read_to_end, there).empty());  // the end, and not a reset
  there.close();
  until([&] { return closed(2); });
}

TEST_CASE_METHOD(closing_fixture, "a peer that first sends all it has still gets what was sent",
                 "[net][closing]") {
  // Neither end reads before its own output is through: one of them has to drop what comes.
  const std::string sent(2'000'000, 'x');
  REQUIRE(here.send(sent).await_ready() == false);
  REQUIRE(there.send(sent).await_ready() == false);
  settle();
  let_go();

  auto peer = loop.spawn(
      [](connection& c) -> task<std::string> {
        co_await c.drain();
        co_return co_await c.until_eof();
      },
      std::ref(there));

  REQUIRE(result(peer) == sent);
}

TEST_CASE_METHOD(closing_fixture, "a peer that takes nothing for ten seconds is reset",
                 "[net][closing][not-epoll]") {
  REQUIRE(here.send(std::string(1'000'000, 'x')).await_ready() == false);
  settle();
  pass_time(loop, 60s);  // before close() time does not count
  let_go();
  REQUIRE(time_until_closed(1) == 10s);
  settle();
  REQUIRE(stats().bytes_dropped > 0);
  REQUIRE(stats().bytes_queued == stats().bytes_sent + stats().bytes_dropped);
  try {
    loop.run(read_to_end, there);
    FAIL("the connection was reset");
  } catch (const connection_closed& e) {
    REQUIRE(e.code() == std::errc::connection_reset);
  }
}

TEST_CASE_METHOD(closing_fixture, "a peer that takes something now and then is not reset",
                 "[net][closing][not-epoll]") {
  REQUIRE(here.send(std::string(1'000'000, 'x')).await_ready() == false);
  let_go();
  auto reader = loop.spawn(read_slowly, std::ref(there), std::size_t{200'000}, duration(9s));
  const auto all = [&] { return reader.done(); };
  while (!all()) pass_time(loop, 1s);
  REQUIRE(result(reader).size() == 1'000'000);
}

TEST_CASE_METHOD(closing_fixture, "a peer that only sends does not hold up the end",
                 "[net][closing][not-epoll]") {
  REQUIRE(here.send(std::string(1'000'000, 'x')).await_ready() == false);
  settle();
  auto chatter = loop.spawn(
      [](connection& peer) -> task<> {
        for (;;) {
          co_await peer.send("and another thing\n");
          co_await sleep(100ms);
        }
      },
      std::ref(there));
  let_go();
  REQUIRE(time_until_closed(1) == 10s);
  REQUIRE_THROWS_AS(result(chatter), connection_closed);
}

TEST_CASE_METHOD(closing_fixture, "a peer that resets while it is sent to ends it all",
                 "[net][closing]") {
  REQUIRE(here.send(std::string(1'000'000, 'x')).await_ready() == false);
  settle();
  let_go();
  there.abort();
  until([&] { return closed(2); });
  settle();
  REQUIRE(stats().bytes_queued == stats().bytes_sent + stats().bytes_dropped);
}

TEST_CASE_METHOD(closing_fixture, "a peer that resets while it is waited for ends it all",
                 "[net][closing]") {
  let_go();
  settle();
  there.abort();
  until([&] { return closed(2); });
}

TEST_CASE_METHOD(closing_fixture,
                 "what is sent and closed at once after the peer left does no harm",
                 "[net][closing]") {
  there.abort();
  settle();
  std::ignore = here.send("to nobody");
  let_go();
  until([&] { return closed(2); });
  REQUIRE(stats().bytes_queued == stats().bytes_sent + stats().bytes_dropped);
}

TEST_CASE_METHOD(closing_fixture, "the peer of an aborted connection sees a reset",
                 "[net][closing]") {
  auto reader = loop.spawn(read_line, std::ref(there));
  auto watcher = loop.spawn(wait_closed, std::ref(there));
  settle();
  here.abort();
  try {
    result(reader);
    FAIL("the connection was reset");
  } catch (const connection_closed& e) {
    REQUIRE(e.code() == std::errc::connection_reset);
  }
  REQUIRE(result(watcher) == closed_by_peer::reset);
  REQUIRE(closed(1));
}

TEST_CASE_METHOD(closing_fixture, "whoever waits on an aborted connection is told why",
                 "[net][closing]") {
  auto reader = begin(read_line);
  auto writer = begin(send_text, std::string(3'000'000, 'x'));
  auto watcher = begin(wait_closed);
  settle();

  here.abort("fell 64 lines behind");

  const auto why = [&](auto& waiter) -> std::string {
    try {
      result(waiter);
    } catch (const connection_closed& e) {
      REQUIRE(e.code() == errc::closed_here);
      return e.what();
    }
    return "nothing";
  };
  const std::string reason = "fell 64 lines behind; ";
  REQUIRE(why(reader).starts_with(reason + "read a line from 127.0.0.1:"));
  REQUIRE(why(writer).starts_with(reason + "send to 127.0.0.1:"));
  REQUIRE(why(watcher).starts_with(reason + "wait for the end of 127.0.0.1:"));
  REQUIRE(stats().bytes_queued == stats().bytes_sent + stats().bytes_dropped);
}

TEST_CASE_METHOD(closing_fixture, "aborting drops what is queued and what is staged",
                 "[net][closing]") {
  loop.run(
      [](connection& peer) -> task<> {
        co_await peer.send("never leaves");
        peer.abort();
      },
      here);

  REQUIRE(stats().bytes_dropped == 12);
  REQUIRE(stats().bytes_sent == 0);
  REQUIRE_THROWS_AS(loop.run(read_some, there), connection_closed);
}

TEST_CASE_METHOD(closing_fixture, "an aborted connection still knows its addresses",
                 "[net][closing]") {
  const address remote = here.remote();
  const address local = here.local();
  here.abort();
  REQUIRE(here.remote() == remote);
  REQUIRE(here.local() == local);
}

TEST_CASE_METHOD(prompt_fixture, "NEW-6 a handler that catches the end in a loop stops nobody",
                 "[net][closing]") {
  // The book's mistake: catch, and try again.
  peer_ends();
  auto stubborn = begin([](connection& peer) -> task<> {
    for (;;) {
      try {
        const std::string line = co_await peer.until_eol();
      } catch (const connection_closed&) {
      }
    }
  });
  connected_pair other(loop);
  auto served = loop.spawn(read_line, std::ref(other.here));

  deliver(loop, other.there, "served\n");

  REQUIRE(result(served) == "served\n");
  REQUIRE_FALSE(stubborn.done());
  stubborn.cancel();
  REQUIRE_THROWS_AS(result(stubborn), cancelled);
}

TEST_CASE("what is left when the loop ends is closed with it", "[net][closing]") {
  net_fixture net;
  std::ignore = net.here.send(std::string(3'000'000, 'x'));
  net.settle();
  { const connection flushing(std::move(net.here)); }
  { const connection lingering(std::move(net.there)); }
}

TEST_CASE_METHOD(net_fixture,
                 "whoever meets a failure again that was told already waits a millisecond for it",
                 "[net][closing]") {
  std::vector<time_point> failed_at;
  const auto fail_again = [&](connection& c, bool sends) -> task<> {
    for (int n = 0; n < 4; ++n) {
      try {
        if (sends) co_await c.send("anybody there?");
        if (!sends) std::ignore = co_await c.until_eol();
      } catch (const connection_closed&) {
        failed_at.push_back(loop.loop().now());
      }
    }
  };
  const bool sends = GENERATE(false, true);
  CAPTURE(sends);
  peer_ends();
  if (sends) here.close();

  const time_point begun = loop.loop().now();
  result(begin(fail_again, sends));

  REQUIRE(failed_at.size() == 4);
  for (int n = 0; n < 4; ++n) {
    const duration waited = failed_at[static_cast<std::size_t>(n)] - begun;
    CHECK(waited >= n * event_loop::postponement);
    if (on_sim()) CHECK(waited == n * event_loop::postponement);
  }
}

}  // namespace closing_test
