// Reads by count, mark and end, and what stays for the next one. BUF and NEW: diesel's own checks.

#include <net/net_fixture.hpp>

#include <cetane/base/errors.hpp>

#include <array>
#include <stdexcept>

namespace buffered_read_test {

using namespace cetane;
using namespace cetane::test;

TEST_CASE_METHOD(net_fixture, "BUF-1 what arrives wakes nobody until the message is complete",
                 "[net][read]") {
  auto reader = begin(read_line);
  settle();
  const std::uint64_t resumes = stats().resumes;

  arrives("rock");
  arrives("androll");
  settle();

  REQUIRE_FALSE(reader.done());
  REQUIRE(stats().resumes == resumes);
  arrives("\n");
  REQUIRE(result(reader) == "rockandroll\n");
}

TEST_CASE_METHOD(net_fixture, "BUF-2 a count is taken exactly, and the rest stays", "[net][read]") {
  auto first = begin(read_bytes, 10u);
  arrives("rock");
  settle();
  REQUIRE_FALSE(first.done());
  arrives("rockandroll");
  REQUIRE(result(first) == "rockrockan");

  auto second = begin(read_bytes, 10u);
  for (int i = 0; i < 4; ++i) arrives("r");
  settle();
  REQUIRE_FALSE(second.done());
  arrives("r");
  REQUIRE(result(second) == "drollrrrrr");
}

TEST_CASE_METHOD(net_fixture, "BUF-2 ten thousand bytes wait for whoever asks for them",
                 "[net][read]") {
  const std::string sent = pattern(10'000);
  arrives(sent);
  settle();

  auto reader = begin(read_bytes, sent.size());

  REQUIRE(result(reader) == sent);
}

TEST_CASE_METHOD(net_fixture, "BUF-3 a line end that is cut in two still ends the line",
                 "[net][read]") {
  auto reader = begin(read_crlf_line);
  arrives("get on with it\r");
  settle();
  REQUIRE_FALSE(reader.done());
  arrives("\nrock ");
  REQUIRE(result(reader) == "get on with it\r\n");

  arrives("on\r\n");
  settle();
  REQUIRE(result(begin(read_crlf_line)) == "rock on\r\n");
}

TEST_CASE_METHOD(net_fixture, "BUF-4 a count may follow a line in the middle of what arrived",
                 "[net][read]") {
  arrives("head\r\nsixteen bytes, or more");

  REQUIRE(result(begin(read_crlf_line)) == "head\r\n");
  REQUIRE(result(begin(read_bytes, 16u)) == "sixteen bytes, o");
  REQUIRE(result(begin(read_bytes, 6u)) == "r more");
}

TEST_CASE_METHOD(net_fixture, "NEW-8, W8 receiving zero bytes ends at once", "[net][read]") {
  auto reader = begin(read_bytes, 0u);

  REQUIRE(result(reader).empty());
  arrives("x");
  REQUIRE(result(begin(read_bytes, 0u)).empty());
  REQUIRE(result(begin(read_bytes, 1u)) == "x");
}

TEST_CASE_METHOD(net_fixture, "NEW-3 a reader that the end cuts short is told what had arrived",
                 "[net][read]") {
  arrives("one\r\ntwo\r\ntail");
  peer_ends();

  REQUIRE(result(begin(read_line)) == "one\r\n");
  REQUIRE(result(begin(read_line)) == "two\r\n");
  try {
    result(begin(read_line));
    FAIL("there is no third line");
  } catch (const connection_closed& e) {
    REQUIRE(e.leftover() == "tail");
    REQUIRE(e.peer() == here.remote().to_string());
    REQUIRE(e.code() == errc::end_of_input);
  }
  REQUIRE(result(begin(read_some)) == "tail");
}

TEST_CASE_METHOD(net_fixture, "NEW-4 lines that came before the end are read before it is told",
                 "[net][read]") {
  arrives("one\ntwo\nthree\n");
  peer_ends();

  REQUIRE(result(begin(read_line)) == "one\n");
  REQUIRE(result(begin(read_line)) == "two\n");
  REQUIRE(result(begin(read_line)) == "three\n");
  REQUIRE_THROWS_AS(result(begin(read_line)), connection_closed);
}

TEST_CASE_METHOD(net_fixture, "NEW-5 a peer that has ended its output still gets its answer",
                 "[net][read]") {
  auto answer = begin([](connection& peer) -> task<> {
    const std::string all = co_await peer.until_eof();
    co_await peer.send("you said ", all);
    co_await peer.send_eof();
  });
  arrives("everything");
  peer_ends();

  result(answer);
  REQUIRE(loop.run(read_to_end, there) == "you said everything");
}

TEST_CASE_METHOD(net_fixture, "everything until the end is what until_eof gives", "[net][read]") {
  auto reader = begin(read_to_end);
  arrives("this ");
  arrives("and that");
  settle();
  REQUIRE_FALSE(reader.done());

  peer_ends();

  REQUIRE(result(reader) == "this and that");
  REQUIRE(result(begin(read_to_end)).empty());
}

TEST_CASE_METHOD(net_fixture, "until_eof refuses more than its limit and leaves it for others",
                 "[net][read]") {
  const auto at_most_eight = [](connection& peer) -> task<std::string> {
    co_return co_await peer.until_eof(8);
  };
  auto reader = begin(at_most_eight);
  arrives("12345678");
  settle();
  REQUIRE_FALSE(reader.done());
  arrives("9");
  REQUIRE_THROWS_AS(result(reader), message_too_long);
  REQUIRE_THROWS_AS(result(begin(at_most_eight)), message_too_long);

  REQUIRE(result(begin(read_bytes, 9u)) == "123456789");
  arrives("12345678");
  peer_ends();
  REQUIRE(result(begin(at_most_eight)) == "12345678");
}

TEST_CASE_METHOD(net_fixture, "a count over the limit is refused before anything is consumed",
                 "[net][read]") {
  connection_limits limits;
  limits.receive_bytes = 4;
  here.limits(limits);
  arrives("12345");

  REQUIRE_THROWS_AS(result(begin(read_bytes, 5u)), message_too_long);

  REQUIRE(result(begin(read_bytes, 4u)) == "1234");
  REQUIRE(result(begin(read_bytes, 1u)) == "5");
}

TEST_CASE_METHOD(net_fixture, "a count that the end cuts short keeps its bytes for others",
                 "[net][read]") {
  auto reader = begin(read_bytes, 10u);
  arrives("123");
  peer_ends();

  REQUIRE_THROWS_AS(result(reader), connection_closed);
  REQUIRE_THROWS_AS(result(begin(read_bytes, 4u)), connection_closed);
  REQUIRE(result(begin(read_bytes, 3u)) == "123");
}

TEST_CASE_METHOD(net_fixture, "reads of every kind may follow each other", "[net][read]") {
  arrives("line\n4444mark|some");

  REQUIRE(result(begin(read_line)) == "line\n");
  REQUIRE(result(begin(read_bytes, 4u)) == "4444");
  REQUIRE(result(begin(read_until, "|")) == "mark|");
  REQUIRE(result(begin(read_some)) == "some");
  auto last = begin(read_next_chunk);
  settle();
  REQUIRE_FALSE(last.done());
  peer_ends();
  REQUIRE_FALSE(result(last).has_value());
  REQUIRE_THROWS_AS(result(begin(read_some)), connection_closed);
}

TEST_CASE_METHOD(net_fixture, "a mark ends a message wherever it is cut", "[net][read]") {
  const std::string mark = "--end--";
  const std::string text = "a--b--en" + mark;
  for (std::size_t cut = 1; cut < text.size(); ++cut) {
    auto reader = begin(read_until, mark);
    arrives(text.substr(0, cut));
    settle();
    REQUIRE_FALSE(reader.done());
    arrives(text.substr(cut) + "n");
    REQUIRE(result(reader) == text);
    REQUIRE(result(begin(read_bytes, 1u)) == "n");
  }
}

TEST_CASE_METHOD(net_fixture, "a mark that overlaps itself is found at its first end",
                 "[net][read]") {
  arrives("aaaab");

  REQUIRE(result(begin(read_until, "aa")) == "aa");
  REQUIRE(result(begin(read_until, "aab")) == "aab");
}

TEST_CASE_METHOD(net_fixture, "bytes of any value pass, zero included", "[net][read]") {
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all.push_back(static_cast<char>(byte));
  arrives(all);

  REQUIRE(result(begin(read_until, std::string(1, '\0'))) == all.substr(0, 1));
  REQUIRE(result(begin(read_until, "\xff")) == all.substr(1));
}

TEST_CASE_METHOD(net_fixture, "an empty mark is refused where it is asked for", "[net][read]") {
  REQUIRE_THROWS_AS(here.until(""), std::invalid_argument);
}

TEST_CASE_METHOD(net_fixture, "a read of exactly one block, and of more than one, is complete",
                 "[net][read]") {
  for (const std::size_t size : {65'535u, 65'536u, 65'537u, 131'072u, 200'000u}) {
    const std::string sent = pattern(size);
    auto reader = begin(read_bytes, size);
    auto sender = loop.spawn(send_text, std::ref(there), sent);

    REQUIRE(result(reader) == sent);
    result(sender);
  }
}

TEST_CASE_METHOD(net_fixture, "NEW-20 a handler's own client does not disturb its connection",
                 "[net][read]") {
  connected_pair inner(loop);
  auto handler = begin(
      [](connection& peer, connection& backend) -> task<> {
        const std::string question = co_await peer.until_eol();
        co_await backend.send("ask ", question);
        const std::string answer = co_await backend.until_eol();
        co_await peer.send("answer ", answer);
      },
      std::ref(inner.here));

  arrives("why\nunread");
  REQUIRE(loop.run(read_line, inner.there) == "ask why\n");
  deliver(loop, inner.there, "because\n");

  REQUIRE(loop.run(read_line, there) == "answer because\n");
  result(handler);
  REQUIRE(result(begin(read_some)) == "unread");
}

TEST_CASE_METHOD(net_fixture, "NEW-18, W17 a second reader is refused, and the first goes on",
                 "[net][read]") {
  auto first = begin(read_line);
  settle();

  REQUIRE_THROWS_AS(result(begin(read_line)), connection_busy);
  REQUIRE_THROWS_AS(result(begin(read_some)), connection_busy);
  REQUIRE_THROWS_AS(result(begin(read_bytes, 0u)), connection_busy);
  REQUIRE_THROWS_AS(result(begin(read_next_line)), connection_busy);

  arrives("for the first\nmore");
  REQUIRE(result(first) == "for the first\n");
  REQUIRE(result(begin(read_some)) == "more");
}

TEST_CASE_METHOD(net_fixture, "NEW-18 a reader that waits for its turn is a reader too",
                 "[net][read]") {
  // The 128th await of a resume gives the others a turn, though its line is there.
  std::string lines;
  for (int i = 0; i < 200; ++i) lines += "line\n";
  arrives(lines);
  int read = 0;
  auto first = begin(
      [](connection& peer, int& count) -> task<> {
        for (; count < 200; ++count) {
          const std::string line = co_await peer.until_eol();
          REQUIRE(line == "line\n");
        }
      },
      std::ref(read));
  auto second = begin(read_some);

  REQUIRE_THROWS_AS(result(second), connection_busy);
  result(first);
  REQUIRE(read == 200);
}

}  // namespace buffered_read_test
