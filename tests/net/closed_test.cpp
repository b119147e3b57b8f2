// closed(): how and when one learns that the peer has left.

#include <net/net_fixture.hpp>

#include <cetane/base/errors.hpp>

namespace closed_test {

using namespace cetane;
using namespace cetane::test;

TEST_CASE_METHOD(net_fixture, "closed() tells all who wait that the peer ended its output",
                 "[net][closed]") {
  auto one = begin(wait_closed);
  auto two = begin(wait_closed);
  settle();
  REQUIRE_FALSE(one.done());

  peer_ends();

  REQUIRE(result(one) == closed_by_peer::end_of_input);
  REQUIRE(result(two) == closed_by_peer::end_of_input);
}

TEST_CASE_METHOD(net_fixture, "closed() tells all who wait of a reset", "[net][closed]") {
  auto one = begin(wait_closed);
  auto two = begin(wait_closed);
  settle();

  there.abort();

  REQUIRE(result(one) == closed_by_peer::reset);
  REQUIRE(result(two) == closed_by_peer::reset);
}

TEST_CASE_METHOD(net_fixture, "closed() does not wait until the input is read", "[net][closed]") {
  auto watcher = begin(wait_closed);
  arrives("unread");
  peer_ends();

  REQUIRE(result(watcher) == closed_by_peer::end_of_input);
  REQUIRE(result(begin(read_to_end)) == "unread");
}

TEST_CASE_METHOD(net_fixture, "closed() sees the end behind more input than is read ahead",
                 "[net][closed][not-sim]") {
  // The end is behind bytes that nobody reads; only the peer's kernel can tell of it, and does if
  // it all fits into the buffers.
  auto watcher = begin(wait_closed);
  arrives(std::string(60'000, 'x'));
  settle();
  arrives(std::string(60'000, 'x'));
  auto sender = loop.spawn(
      [](connection& peer) -> task<> {
        co_await peer.send(std::string(10'000, 'x'));
        co_await peer.send_eof();
      },
      std::ref(there));
  result(sender);

  REQUIRE(result(watcher) == closed_by_peer::end_of_input);
  REQUIRE(result(begin(read_to_end)).size() == 130'000);
}

TEST_CASE_METHOD(net_fixture, "after the end of the input sending still works", "[net][closed]") {
  auto watcher = begin(wait_closed);
  peer_ends();
  REQUIRE(result(watcher) == closed_by_peer::end_of_input);

  result(begin(send_text, "still here"));
  REQUIRE(loop.run(read_some, there) == "still here");
}

TEST_CASE_METHOD(net_fixture, "closed() of a peer that has left tells at once", "[net][closed]") {
  peer_ends();
  REQUIRE(result(begin(wait_closed)) == closed_by_peer::end_of_input);
  here.close();
  REQUIRE(result(begin(wait_closed)) == closed_by_peer::end_of_input);
}

TEST_CASE_METHOD(net_fixture, "a reset after the end of the input is met by the next who sends",
                 "[net][closed]") {
  peer_ends();
  REQUIRE(result(begin(wait_closed)) == closed_by_peer::end_of_input);
  there.abort();
  settle();

  std::ignore = here.send("to nobody");
  settle();

  REQUIRE_THROWS_AS(result(begin(send_text, "to nobody")), connection_closed);
  REQUIRE(result(begin(wait_closed)) == closed_by_peer::reset);
  REQUIRE_FALSE(result(begin(read_next_line)).has_value());
}

TEST_CASE_METHOD(net_fixture, "a reset after the end of the input is noticed while nobody sends",
                 "[net][closed]") {
  arrives("unread");
  peer_ends();
  REQUIRE(result(begin(wait_closed)) == closed_by_peer::end_of_input);
  REQUIRE_FALSE(here.is_closed());

  there.abort();

  until([&] { return here.is_closed(); });
  REQUIRE(result(begin(wait_closed)) == closed_by_peer::reset);
  REQUIRE_FALSE(here.try_send("to nobody"));
  REQUIRE_THROWS_AS(result(begin(send_text, "to nobody")), connection_closed);
  REQUIRE(result(begin(read_to_end)) == "unread");  // the input did end orderly
}

TEST_CASE_METHOD(net_fixture, "closed() of a connection that is closed here blames nobody",
                 "[net][closed]") {
  auto watcher = begin(wait_closed);
  settle();
  here.close();
  REQUIRE_THROWS_AS(result(watcher), connection_closed);
  REQUIRE_THROWS_AS(result(begin(wait_closed)), connection_closed);
}

TEST_CASE_METHOD(net_fixture, "a cancelled wait for the peer's end leaves nothing behind",
                 "[net][closed]") {
  auto one = begin(wait_closed);
  auto two = begin(wait_closed);
  settle();
  one.cancel();
  REQUIRE_THROWS_AS(result(one), cancelled);
  const std::uint64_t resumes = stats().resumes;

  peer_ends();

  REQUIRE(result(two) == closed_by_peer::end_of_input);
  REQUIRE(stats().resumes - resumes <= 4);  // `two`, and those of this test's own
}

TEST_CASE_METHOD(net_fixture, "a task may wait for the end while another one reads",
                 "[net][closed]") {
  auto reader = begin(read_line);
  auto watcher = begin(wait_closed);
  arrives("a line\n");
  REQUIRE(result(reader) == "a line\n");
  auto next = begin(read_line);
  settle();
  REQUIRE_FALSE(watcher.done());

  peer_ends();

  REQUIRE(result(watcher) == closed_by_peer::end_of_input);
  REQUIRE_THROWS_AS(result(next), connection_closed);
}

TEST_CASE_METHOD(prompt_fixture, "who asks again and again whether the peer left stops nobody",
                 "[net][closed]") {
  peer_ends();
  bool other_ran = false;
  auto stubborn = begin(
      [](connection& peer, bool& ran) -> task<> {
        while (!ran) co_await peer.closed();
      },
      std::ref(other_ran));
  auto other = begin(
      [](connection&, bool& ran) -> task<> {
        co_await yield();
        ran = true;
      },
      std::ref(other_ran));
  result(other);
  result(stubborn);
}

}  // namespace closed_test
