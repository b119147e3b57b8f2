// How much is read before anybody asks, and how the peer is held up by that.

#include <net/net_fixture.hpp>

#include <cetane/base/errors.hpp>
#include <cetane/base/literals.hpp>

namespace read_ahead_test {

using namespace cetane;
using namespace cetane::test;

namespace {

// What is kept of the input before reading stops, and the one read that passed it.
constexpr std::size_t most_kept = 2 * 64_KiB;

task<std::size_t> count_to_end(connection& from) {
  std::size_t bytes = 0;
  while (auto more = co_await from.next_chunk()) bytes += more->size();
  co_return bytes;
}

task<> send_all_and_end(connection& to, std::string all) {
  co_await to.send(all);
  co_await to.send_eof();
}

}  // namespace

TEST_CASE_METHOD(net_fixture, "while nobody reads, little is read", "[net][read-ahead]") {
  const std::string sent = pattern(2'000'000);
  auto sender = loop.spawn(send_all_and_end, std::ref(there), sent);
  settle();
  settle();
  REQUIRE_FALSE(sender.done());
  REQUIRE(stats().bytes_received <= most_kept);

  REQUIRE(result(begin(read_to_end)) == sent);
  result(sender);
}

TEST_CASE_METHOD(net_fixture, "something that is buffered already does not open the gates",
                 "[net][read-ahead]") {
  arrives("x");
  auto sender = loop.spawn(send_all_and_end, std::ref(there), pattern(2'000'000));
  settle();
  settle();
  REQUIRE(stats().bytes_received <= most_kept);

  REQUIRE(result(begin(count_to_end)) == 2'000'001);
  result(sender);
}

TEST_CASE_METHOD(net_fixture, "a reader that has given up no longer draws input",
                 "[net][read-ahead]") {
  auto reader = begin(read_bytes, 1'000'000u);
  arrives(std::string(100'000, 'x'));
  reader.cancel();
  REQUIRE_THROWS_AS(result(reader), cancelled);
  const std::size_t before = stats().bytes_received;

  auto sender = loop.spawn(send_all_and_end, std::ref(there), std::string(2'000'000, 'x'));
  settle();
  settle();

  REQUIRE(stats().bytes_received <= before + 64_KiB);
  REQUIRE(result(begin(count_to_end)) == 2'100'000);
  result(sender);
}

TEST_CASE_METHOD(net_fixture, "until_eof over its limit no longer draws input",
                 "[net][read-ahead]") {
  auto sender = loop.spawn(send_all_and_end, std::ref(there), std::string(2'000'000, 'x'));
  auto reader = begin([](connection& peer) -> task<> { co_await peer.until_eof(300'000); });
  REQUIRE_THROWS_AS(result(reader), message_too_long);
  settle();
  settle();

  REQUIRE(stats().bytes_received <= 300'000 + most_kept);
  REQUIRE(result(begin(count_to_end)) == 2'000'000);
  result(sender);
}

TEST_CASE_METHOD(net_fixture, "a message may be longer than what is read ahead",
                 "[net][read-ahead]") {
  const std::string sent = pattern(1'000'000);
  auto sender = loop.spawn(send_text, std::ref(there), sent);
  settle();

  REQUIRE(result(begin(read_bytes, sent.size())) == sent);
  result(sender);
}

TEST_CASE_METHOD(net_fixture, "the end is noticed behind input that nobody reads",
                 "[net][read-ahead]") {
  auto sender = loop.spawn(send_all_and_end, std::ref(there), std::string(200'000, 'x'));
  settle();
  settle();

  REQUIRE(result(begin(count_to_end)) == 200'000);
  result(sender);
}

TEST_CASE_METHOD(net_fixture, "NEW-21 looking for a mark takes each byte once, however it is cut",
                 "[net][read-ahead]") {
  // Work is counted in the reader's resumes and in passes: an incomplete message resumes nobody.
  connection_limits limits;
  limits.line_bytes = 17 * 1024 * 1024;
  here.limits(limits);
  const std::string sent = std::string(16 * 1024 * 1024, 'x') + "\n";
  auto reader = begin(read_line);
  auto sender = loop.spawn(send_text, std::ref(there), sent);
  const std::uint64_t before = stats().resumes;

  REQUIRE(result(reader) == sent);

  REQUIRE(stats().resumes - before <= 8);
  result(sender);
}

}  // namespace read_ahead_test
