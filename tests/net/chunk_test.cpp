// Chunks: bytes that are lent by the loop's block at first, and stay valid for as long as they are
// kept.

#include <net/net_fixture.hpp>

#include <cetane/base/errors.hpp>

#include <string>
#include <vector>

namespace chunk_test {

using namespace cetane;
using namespace cetane::test;

namespace {

task<chunk> keep_some(connection& from) { co_return co_await from.receive_some(); }

}  // namespace

TEST_CASE_METHOD(net_fixture, "a chunk has what arrived, at once and in one piece",
                 "[net][chunk]") {
  auto reader = begin(read_some);
  settle();
  arrives("all of it");
  REQUIRE(result(reader) == "all of it");
}

TEST_CASE_METHOD(net_fixture, "a chunk stays valid when its task suspends and others receive",
                 "[net][chunk]") {
  connected_pair other(loop);
  auto reader = begin([](connection& peer) -> task<std::string> {
    const chunk kept = co_await peer.receive_some();
    co_await sleep(1ms);
    co_return std::string(kept.view());
  });
  auto second = loop.spawn(read_some, std::ref(other.here));
  arrives("kept while others receive");
  deliver(loop, other.there, std::string(60'000, '#'));

  REQUIRE(result(second).size() == 60'000);
  REQUIRE(result(reader) == "kept while others receive");
}

TEST_CASE_METHOD(net_fixture, "a chunk may be moved before and after its task suspends",
                 "[net][chunk]") {
  auto reader = begin([](connection& peer) -> task<std::string> {
    chunk first = co_await peer.receive_some();
    chunk moved = std::move(first);
    REQUIRE(first.empty());
    co_await yield();
    chunk again;
    again = std::move(moved);
    REQUIRE(moved.empty());
    co_return std::string(again.view());
  });
  settle();
  arrives("moved about");

  REQUIRE(result(reader) == "moved about");
}

TEST_CASE_METHOD(net_fixture, "chunks may be kept over many reads", "[net][chunk]") {
  auto reader = begin([](connection& peer) -> task<std::vector<chunk>> {
    std::vector<chunk> kept;
    std::size_t bytes = 0;
    while (bytes < 300'000) {
      chunk next = co_await peer.receive_some();
      bytes += next.size();
      kept.push_back(std::move(next));
    }
    co_return kept;
  });
  const std::string sent = pattern(300'000);
  for (std::size_t at = 0, length = 1; at < sent.size(); at += length, length += 37) {
    arrives(std::string_view(sent).substr(at, length));
  }

  std::string all;
  for (const chunk& each : result(reader)) all += each.view();
  REQUIRE(all == sent);
}

TEST_CASE_METHOD(net_fixture, "a chunk may take the place of the one before", "[net][chunk]") {
  auto reader = begin([](connection& peer) -> task<std::string> {
    std::string all;
    chunk next;
    while (all.size() < 30) {
      next = co_await peer.receive_some();
      all += next.view();
    }
    co_return all;
  });
  for (int i = 0; i < 3; ++i) {
    settle();
    arrives("ten bytes.");
  }
  REQUIRE(result(reader) == "ten bytes.ten bytes.ten bytes.");
}

TEST_CASE_METHOD(net_fixture, "a chunk that is dropped at once costs nothing later",
                 "[net][chunk]") {
  auto reader = begin([](connection& peer) -> task<std::string> {
    { const chunk gone = co_await peer.receive_some(); }
    co_await peer.send("next");
    co_return std::string((co_await peer.receive_some()).view());
  });
  settle();
  arrives("dropped");
  REQUIRE(loop.run(read_some, there) == "next");
  arrives("taken");
  REQUIRE(result(reader) == "taken");
}

TEST_CASE_METHOD(net_fixture, "what was buffered before the read is a chunk too", "[net][chunk]") {
  arrives("first, ");
  arrives("second");

  const chunk both = result(begin(keep_some));

  arrives("third");
  REQUIRE(both.view() == "first, second");
  REQUIRE(result(begin(read_some)) == "third");
}

TEST_CASE_METHOD(net_fixture, "a chunk is what is left behind a line", "[net][chunk]") {
  auto reader = begin([](connection& peer) -> task<std::string> {
    const std::string line = co_await peer.until_eol();
    const chunk rest = co_await peer.receive_some();
    co_await yield();
    co_return line + std::string(rest.view());
  });
  settle();
  arrives("line\nrest");

  REQUIRE(result(reader) == "line\nrest");
}

TEST_CASE_METHOD(net_fixture, "a chunk may be sent on while it is lent", "[net][chunk]") {
  connected_pair other(loop);
  for (const std::size_t size : {5u, 4096u, 4097u, 50'000u}) {
    auto forward = begin(
        [](connection& from, connection& to) -> task<> {
          const chunk bytes = co_await from.receive_some();
          co_await to.send(bytes);
        },
        std::ref(other.here));
    settle();
    const std::string sent = pattern(size);
    arrives(sent);
    result(forward);
    std::string got;
    while (got.size() < size) got += loop.run(read_some, other.there);
    REQUIRE(got == sent);
  }
}

TEST_CASE("a chunk outlives its connection and its loop", "[net][chunk]") {
  chunk kept;
  {
    net_fixture net;
    auto reader = net.begin(keep_some);
    net.settle();
    net.arrives("still here");
    kept = net.result(reader);
  }
  REQUIRE(kept.view() == "still here");
}

TEST_CASE_METHOD(net_fixture, "own() makes a chunk independent of the loop at once",
                 "[net][chunk]") {
  auto reader = begin([](connection& peer) -> task<chunk> {
    chunk bytes = co_await peer.receive_some();
    const char* const lent = bytes.view().data();
    bytes.own();
    REQUIRE(bytes.view().data() != lent);
    const char* const owned = bytes.view().data();
    bytes.own();
    co_await yield();
    REQUIRE(bytes.view().data() == owned);
    co_return bytes;
  });
  settle();
  arrives("owned");
  REQUIRE(result(reader).view() == "owned");
}

TEST_CASE("a chunk can be made of any bytes, and of none", "[net][chunk]") {
  const chunk none(std::string_view{});
  REQUIRE(none.empty());
  REQUIRE(none.view().empty());

  chunk some(std::string_view("some"));
  REQUIRE(std::string(some) == "some");
  some = chunk();
  REQUIRE(some.empty());
}

TEST_CASE_METHOD(net_fixture, "next_chunk gives all that came before the end, and then nothing",
                 "[net][chunk]") {
  arrives("the last");
  peer_ends();

  REQUIRE(result(begin(read_next_chunk)) == "the last");
  REQUIRE_FALSE(result(begin(read_next_chunk)).has_value());
  REQUIRE_FALSE(result(begin(read_next_chunk)).has_value());
}

}  // namespace chunk_test
