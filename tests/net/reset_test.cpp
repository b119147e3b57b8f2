// A peer that breaks the connection: what had arrived is read, then there is one error.

#include <net/net_fixture.hpp>

#include <cetane/base/errors.hpp>

namespace reset_test {

using namespace cetane;
using namespace cetane::test;

namespace {

struct reset_fixture : net_fixture {
  void peer_resets() {
    there.abort();
    settle();
  }

  template <class... Args>
  std::error_code error_of(Args... args) {
    try {
      result(begin(args...));
    } catch (const connection_closed& e) {
      return e.code();
    }
    return {};
  }
};

}  // namespace

TEST_CASE_METHOD(reset_fixture, "a reset wakes a reader once, with its reason", "[net][reset]") {
  auto reader = begin(read_line);
  settle();
  const std::uint64_t resumes = stats().resumes;

  peer_resets();

  REQUIRE(reader.done());
  REQUIRE(stats().resumes - resumes == 1);
  try {
    result(reader);
    FAIL("the connection was reset");
  } catch (const connection_closed& e) {
    REQUIRE(e.code() == std::errc::connection_reset);
    REQUIRE(e.peer() == here.remote().to_string());
  }
}

TEST_CASE_METHOD(reset_fixture, "a connection that was reset is closed, a half-closed one is not",
                 "[net][reset]") {
  connected_pair half(loop);
  std::ignore = half.there.send_eof();
  peer_resets();

  REQUIRE(here.is_closed());
  const auto learn = [](connection& peer) -> task<closed_by_peer> {
    co_return co_await peer.closed();
  };
  REQUIRE(loop.run(learn, half.here) == closed_by_peer::end_of_input);
  REQUIRE_FALSE(half.here.is_closed());
}

TEST_CASE_METHOD(reset_fixture, "what came before a reset can be read", "[net][reset]") {
  arrives("one\ntwo\nhalf");
  peer_resets();

  REQUIRE(result(begin(read_line)) == "one\n");
  REQUIRE(result(begin(read_next_line)) == "two");
  try {
    result(begin(read_line));
    FAIL("the connection was reset");
  } catch (const connection_closed& e) {
    REQUIRE(e.leftover() == "half");
    REQUIRE(e.code() == std::errc::connection_reset);
  }
  REQUIRE(result(begin(read_some)) == "half");
}

TEST_CASE_METHOD(reset_fixture, "no read takes a reset for the end of the input", "[net][reset]") {
  arrives("half");
  peer_resets();

  REQUIRE(error_of(read_to_end) == std::errc::connection_reset);
  REQUIRE(error_of(read_next_line) == std::errc::connection_reset);
  REQUIRE(error_of(read_bytes, std::size_t{5}) == std::errc::connection_reset);
  REQUIRE(result(begin(read_next_chunk)) == "half");
  REQUIRE(error_of(read_next_chunk) == std::errc::connection_reset);
  REQUIRE(error_of(read_some) == std::errc::connection_reset);
}

TEST_CASE_METHOD(reset_fixture, "a reset that a write met first is one for the reader too",
                 "[net][reset]") {
  there.abort();
  loop.run(
      [](connection& peer) -> task<> {
        for (int i = 0; i < 100; ++i) {  // the network may need a moment
          std::ignore = peer.send(std::string(5000, 'x'));
          co_await sleep(1ms);
        }
      },
      here);

  REQUIRE(error_of(read_next_line) == std::errc::connection_reset);
  REQUIRE(error_of(read_next_chunk) == std::errc::connection_reset);
}

TEST_CASE_METHOD(reset_fixture,
                 "a task that writes before it has heard of the reset reads it after",
                 "[net][reset][not-sim]") {
  // The reset is in the kernel, and this loop has not asked yet.
  loop.run(
      [](connection& mine, connection& peer) -> task<std::string> {
        peer.abort();
        std::ignore = mine.send(std::string(5000, 'x'));  // goes out at once, and meets it
        co_return "";
      },
      here, there);

  REQUIRE(error_of(read_next_line) == std::errc::connection_reset);
  REQUIRE(error_of(read_to_end) == std::errc::connection_reset);
}

TEST_CASE_METHOD(reset_fixture, "after a reset every send throws, and nothing is kept",
                 "[net][reset]") {
  peer_resets();

  REQUIRE(error_of(send_text, std::string("more")) == std::errc::connection_reset);
  REQUIRE(error_of(send_text, std::string(100'000, 'x')) == std::errc::connection_reset);
  REQUIRE(error_of(drain) == std::errc::connection_reset);
  REQUIRE(error_of(send_eof) == std::errc::connection_reset);
  REQUIRE_FALSE(here.try_send("more"));
  REQUIRE(here.queued_bytes() == 0);
  REQUIRE(stats().bytes_queued == stats().bytes_dropped);
}

TEST_CASE_METHOD(reset_fixture, "a reset wakes who waits to send", "[net][reset]") {
  for (auto waiting : {+[](connection& peer) -> task<> { co_await peer.send("x"); },
                       +[](connection& peer) -> task<> { co_await peer.drain(); },
                       +[](connection& peer) -> task<> { co_await peer.send_eof(); }}) {
    connected_pair pair(loop, socket_buffers::small);
    std::ignore = pair.here.send(std::string(3'000'000, 'x'));
    auto waiter = loop.spawn(waiting, std::ref(pair.here));
    settle();
    REQUIRE_FALSE(waiter.done());

    pair.there.abort();

    REQUIRE_THROWS_AS(result(waiter), connection_closed);
  }
  settle();
  REQUIRE(stats().bytes_queued == stats().bytes_sent + stats().bytes_dropped);
}

TEST_CASE_METHOD(reset_fixture, "a peer that left without reading resets what is sent to it",
                 "[net][reset]") {
  // It ends orderly as far as this end can see; what is sent afterwards finds nobody.
  arrives("goodbye");
  { const connection gone(std::move(there)); }
  settle();
  REQUIRE(result(begin(read_some)) == "goodbye");
  REQUIRE_FALSE(result(begin(read_next_line)).has_value());

  auto sender = begin([](connection& peer) -> task<> {
    for (;;) {
      co_await peer.send("anybody?");
      co_await sleep(100ms);
    }
  });
  REQUIRE_THROWS_AS(result(sender), connection_closed);
  REQUIRE_FALSE(result(begin(read_next_line)).has_value());  // the input did end orderly
}

TEST_CASE_METHOD(reset_fixture, "a descriptor that was closed has no events any more",
                 "[net][reset]") {
  auto reader = begin([](connection& peer) -> task<> {
    try {
      co_await peer.until_eol();
    } catch (const connection_closed&) {
    }
    peer.close();
    peer.close();
  });
  settle();
  peer_resets();
  result(reader);
  settle();
  REQUIRE(stats().connections_closed == 2);
  REQUIRE(stats().stale_events == 0);
}

}  // namespace reset_test
