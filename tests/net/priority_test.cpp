// Messages of several priorities on one connection.

#include <net/net_fixture.hpp>

#include <cetane/backend/sim.hpp>

#include <array>
#include <string>
#include <tuple>

namespace priority_test {

using namespace cetane;
using namespace cetane::test;

namespace {

// A connection that takes and carries 16 bytes at a time: every message is cut somewhere.
struct narrow_fixture : net_fixture {
  narrow_fixture() : net_fixture(make_sim_backend(sim_options(test_seed()).set_capacity(16))) {}
};

}  // namespace

TEST_CASE_METHOD(net_fixture, "NEW-15 what is sent in one turn leaves by priority",
                 "[net][priority]") {
  loop.run(
      [](connection& peer) -> task<> {
        co_await peer.send(priority(1), "low-");
        co_await peer.send(priority(5), "mid-");
        co_await peer.send(priority(9), "high-");
        co_await peer.send("mid2-");
        co_await peer.send_eof();
      },
      here);

  REQUIRE(loop.run(read_to_end, there) == "high-mid-mid2-low-");
}

TEST_CASE_METHOD(net_fixture, "PIPE-12 of equal priority the first sent is the first to arrive",
                 "[net][priority]") {
  loop.run(
      [](connection& peer) -> task<> {
        co_await peer.send(priority(2), "two");
        co_await peer.send(priority(3), "three");
        co_await peer.send(priority(2), "six");
        co_await peer.send(priority(1), "one");
        co_await peer.send_eof();
      },
      here);

  REQUIRE(loop.run(read_to_end, there) == "threetwosixone");
}

TEST_CASE_METHOD(net_fixture, "what is staged already takes part in the order", "[net][priority]") {
  loop.run(
      [](connection& peer) -> task<> {
        co_await peer.send("usual1-");
        co_await peer.send("usual2-");
        co_await peer.send(priority(4), "below-");
        co_await peer.send(priority(6), "above-");
        co_await peer.send("usual3-");
        co_await peer.send_eof();
      },
      here);

  REQUIRE(loop.run(read_to_end, there) == "above-usual1-usual2-usual3-below-");
}

TEST_CASE_METHOD(net_fixture, "a message that has begun to leave is not torn by a higher priority",
                 "[net][priority]") {
  const std::string large(3'000'000, 'a');
  auto first = begin(
      [](connection& peer, const std::string& all) -> task<> { co_await peer.send("[", all, "]"); },
      std::cref(large));
  until([&] { return here.queued_bytes() > 0; });
  settle();
  auto second = begin([](connection& peer) -> task<> {
    std::ignore = peer.send("usual ");
    std::ignore = peer.send(priority(9), "high ");
    std::ignore = peer.send(priority(1), "low");
    std::ignore = peer.send_eof();
    co_return;
  });

  const std::string got = loop.run(
      [](connection& from) -> task<std::string> { co_return co_await from.until_eof(); }, there);

  REQUIRE(got == "[" + large + "]high usual low");
  result(first);  // what it sent was sent before the end
  result(second);
}

TEST_CASE_METHOD(narrow_fixture, "no message is torn, wherever the socket cuts it",
                 "[net][priority][not-epoll]") {
  auto sender = begin([](connection& peer) -> task<> {
    for (int i = 0; i < 300; ++i) {
      const int level = i * 7 % 10;
      const std::string body(static_cast<std::size_t>(i * 13 % 40), 'x');
      std::ignore = peer.send(priority(level), "<", std::to_string(level), ":", std::to_string(i),
                              ":", body, ">");
      if (i % 3 == 0) co_await sleep(1ms);
    }
    co_await peer.send_eof();
  });

  const std::string got = loop.run(read_to_end, there);
  result(sender);

  // Every message is whole, and within one priority they came in order.
  std::array<int, 10> last;
  last.fill(-1);
  std::size_t at = 0;
  int count = 0;
  while (at < got.size()) {
    REQUIRE(got[at] == '<');
    const int level = got[at + 1] - '0';
    const int number = std::stoi(got.substr(at + 3));
    REQUIRE(number % 10 * 7 % 10 == level);
    REQUIRE(number > last.at(static_cast<std::size_t>(level)));
    last.at(static_cast<std::size_t>(level)) = number;
    const std::string whole = "<" + std::to_string(level) + ":" + std::to_string(number) + ":" +
                              std::string(static_cast<std::size_t>(number * 13 % 40), 'x') + ">";
    REQUIRE(got.substr(at, whole.size()) == whole);
    at += whole.size();
    ++count;
  }
  REQUIRE(count == 300);
}

}  // namespace priority_test
