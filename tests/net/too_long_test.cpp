// Lines and messages over their limit: refused early, dropped to their end, and the next one is
// whole.

#include <net/net_fixture.hpp>

#include <cetane/base/errors.hpp>

#include <algorithm>

namespace too_long_test {

using namespace cetane;
using namespace cetane::test;

namespace {

// The ways to ask for a message of at most `limit` bytes, each with what ends it.
struct way {
  const char* name;
  std::string mark;
  task<std::string> (*read)(connection&, std::size_t limit);
};

task<std::string> any_line(connection& from, std::size_t limit) {
  co_return co_await from.until_eol(limit);
}
task<std::string> strict_line(connection& from, std::size_t limit) {
  co_return co_await from.until_eol(line_end::crlf, limit);
}
task<std::string> marked(connection& from, std::size_t limit) {
  co_return co_await from.until("<->", limit);
}
task<std::string> repeating_mark(connection& from, std::size_t limit) {
  co_return co_await from.until("aabaa", limit);
}
task<std::string> next_line(connection& from, std::size_t limit) {
  const std::optional<std::string> line = co_await from.next_line(limit);
  if (!line) co_return "(end)";
  co_return *line + "\n";
}

const way ways[] = {{"until_eol", "\n", any_line},
                    {"until_eol of both", "\r\n", any_line},
                    {"until_eol(crlf)", "\r\n", strict_line},
                    {"until", "<->", marked},
                    {"until a mark that overlaps itself", "aabaa", repeating_mark},
                    {"next_line", "\n", next_line}};

// A message of `size` bytes in all that does not contain the mark earlier.
std::string message(const way& of, std::size_t size) {
  return std::string(size - of.mark.size(), '.') + of.mark;
}

}  // namespace

TEST_CASE_METHOD(net_fixture, "a message of exactly the limit is accepted, one byte more is not",
                 "[net][limit]") {
  const std::size_t limit = 16;
  for (const way& each : ways) {
    INFO(each.name);
    const auto read = [&] { return result(begin(each.read, limit)); };
    for (const bool at_once : {true, false}) {
      const auto send = [&](std::string_view text) {
        if (at_once) return arrives(text);
        for (const char byte : text) arrives(std::string(1, byte));
      };
      send(message(each, limit - 1));
      REQUIRE(read() == message(each, limit - 1));
      send(message(each, limit));
      REQUIRE(read() == message(each, limit));
      send(message(each, limit + 1));
      REQUIRE_THROWS_AS(read(), message_too_long);
      send(message(each, limit));
      REQUIRE(read() == message(each, limit));
    }
  }
}

TEST_CASE_METHOD(net_fixture, "a message is refused as soon as its limit is passed",
                 "[net][limit]") {
  for (const way& each : ways) {
    INFO(each.name);
    auto reader = begin(each.read, 16u);
    arrives(std::string(15, '.'));
    settle();
    REQUIRE_FALSE(reader.done());
    arrives(".");
    REQUIRE_THROWS_AS(result(reader), message_too_long);
    arrives(each.mark);
  }
}

TEST_CASE_METHOD(net_fixture, "the rest of a message that was too long is dropped as it arrives",
                 "[net][limit]") {
  for (const way& each : ways) {
    INFO(each.name);
    arrives(std::string(20, '.'));
    REQUIRE_THROWS_AS(result(begin(each.read, 16u)), message_too_long);
    auto next = begin(each.read, 16u);

    arrives("dropped ");
    arrives(std::string(20, '.'));
    settle();
    REQUIRE_FALSE(next.done());
    arrives("too" + each.mark + "next" + each.mark + "left");

    REQUIRE(result(next) == (each.read == next_line ? "next\n" : "next" + each.mark));
    REQUIRE(result(begin(read_some)) == "left");
  }
}

TEST_CASE_METHOD(net_fixture, "the mark of a dropped message may come in any pieces",
                 "[net][limit]") {
  const std::string mark = "aabaa";
  const std::string text = "aab..aaba" + mark;  // what looks like the mark at first is not
  for (std::size_t one = 0; one <= text.size(); ++one) {
    for (std::size_t two = one; two <= text.size(); ++two) {
      arrives(std::string(16, '.') + text.substr(0, one));
      REQUIRE_THROWS_AS(result(begin(repeating_mark, 16u)), message_too_long);
      if (two > one) arrives(text.substr(one, two - one));
      arrives(text.substr(two) + "b");
      // "aabaaabaa": the first mark ends at its fifth byte, and the rest is the next message's.
      const std::string rest = (text + "b").substr(text.find(mark) + mark.size());
      REQUIRE(result(begin(read_bytes, rest.size())) == rest);
    }
  }
}

TEST_CASE_METHOD(net_fixture, "nobody sees a byte of a message that is being dropped",
                 "[net][limit]") {
  arrives(std::string(30, '.') + "\r");
  REQUIRE_THROWS_AS(result(begin(strict_line, 16u)), message_too_long);
  auto some = begin(read_some);
  settle();
  REQUIRE_FALSE(some.done());
  arrives("..\r");
  settle();
  REQUIRE_FALSE(some.done());

  arrives("\nnew");

  REQUIRE(result(some) == "new");
}

TEST_CASE_METHOD(net_fixture, "an empty line behind a dropped one is a line", "[net][limit]") {
  arrives(std::string(20, '.') + "x");
  REQUIRE_THROWS_AS(result(begin(strict_line, 16u)), message_too_long);
  auto reader = begin(read_line);
  settle();

  arrives("\r\n\nnext\n");

  REQUIRE(result(reader) == "\n");
  REQUIRE(result(begin(read_line)) == "next\n");
}

TEST_CASE_METHOD(net_fixture, "two messages in a row may be too long", "[net][limit]") {
  arrives(std::string(20, '1') + "\n" + std::string(20, '2') + "\nthird\n");

  REQUIRE_THROWS_AS(result(begin(any_line, 16u)), message_too_long);
  REQUIRE_THROWS_AS(result(begin(any_line, 16u)), message_too_long);
  REQUIRE(result(begin(any_line, 16u)) == "third\n");
}

TEST_CASE_METHOD(net_fixture, "the input may end in the middle of a dropped message",
                 "[net][limit]") {
  arrives(std::string(20, '.'));
  REQUIRE_THROWS_AS(result(begin(any_line, 16u)), message_too_long);
  auto next = begin(next_line, 16u);
  arrives("more of it");
  peer_ends();

  REQUIRE(result(next) == "(end)");
  try {
    result(begin(read_line));
    FAIL("the input has ended");
  } catch (const connection_closed& e) {
    REQUIRE(e.leftover().empty());
  }
}

TEST_CASE_METHOD(net_fixture, "a dropped message may be longer than all buffers", "[net][limit]") {
  arrives(std::string(100, '.'));
  REQUIRE_THROWS_AS(result(begin(any_line, 64u)), message_too_long);
  auto sender = loop.spawn(send_text, std::ref(there), std::string(3'000'000, '.') + "\nnext\n");

  REQUIRE(result(begin(any_line, 64u)) == "next\n");
  result(sender);
}

TEST_CASE_METHOD(net_fixture, "a limit of 64 KiB holds unless another is said", "[net][limit]") {
  arrives(std::string(65'535, 'x') + "\n");
  REQUIRE(result(begin(read_line)).size() == 65'536);
  arrives(std::string(65'536, 'x'));
  REQUIRE_THROWS_AS(result(begin(read_line)), message_too_long);
  arrives("\n");

  connection_limits limits;
  limits.line_bytes = 10;
  here.limits(limits);
  arrives("123456789\n1234567890\n");
  REQUIRE(result(begin(read_line)) == "123456789\n");
  REQUIRE_THROWS_AS(result(begin(read_line)), message_too_long);
}

TEST_CASE_METHOD(net_fixture, "the error says the limit and how to raise it", "[net][limit]") {
  arrives(std::string(64, '.') + "\n");
  try {
    result(begin(any_line, 64u));
    FAIL("the line is longer than its limit");
  } catch (const message_too_long& e) {
    const std::string text = e.what();
    REQUIRE(e.limit_bytes() == 64);
    REQUIRE(text.find("read a line from " + here.remote().to_string()) == 0);
    REQUIRE(text.find("64") != std::string::npos);
    REQUIRE(text.find("until_eol(limit)") != std::string::npos);
  }
}

TEST_CASE_METHOD(net_fixture, "a reader that catches every error gives others their turn",
                 "[net][limit]") {
  arrives(std::string(50'000, '\n'));
  auto greedy = begin([](connection& peer) -> task<> {
    for (;;) {
      try {
        const std::string line = co_await peer.until_eol(0);
      } catch (const message_too_long&) {
      }
    }
  });
  bool other_ran = false;
  auto other = begin(
      [](connection&, bool& ran) -> task<> {
        co_await yield();
        ran = true;
      },
      std::ref(other_ran));

  until([&] { return other_ran; });
  greedy.cancel();
  REQUIRE_THROWS_AS(result(greedy), cancelled);
  result(other);
}

}  // namespace too_long_test
