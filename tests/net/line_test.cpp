// Lines: what ends one, wherever it is cut.

#include <net/net_fixture.hpp>

#include <cetane/base/errors.hpp>
#include <cetane/base/random.hpp>

namespace line_test {

using namespace cetane;
using namespace cetane::test;

TEST_CASE_METHOD(net_fixture, "a line ends at LF, and a CR before it is part of the end",
                 "[net][line]") {
  arrives("plain\nwith both\r\n\n\r\na\rb\n");

  REQUIRE(result(begin(read_line)) == "plain\n");
  REQUIRE(result(begin(read_line)) == "with both\r\n");
  REQUIRE(result(begin(read_line)) == "\n");
  REQUIRE(result(begin(read_line)) == "\r\n");
  REQUIRE(result(begin(read_line)) == "a\rb\n");
}

TEST_CASE_METHOD(net_fixture, "a strict line ends at CR and LF only", "[net][line]") {
  arrives("one\ntwo\rthree\r\n\r\n\n\r\r\n");

  REQUIRE(result(begin(read_crlf_line)) == "one\ntwo\rthree\r\n");
  REQUIRE(result(begin(read_crlf_line)) == "\r\n");
  REQUIRE(result(begin(read_crlf_line)) == "\n\r\r\n");
}

TEST_CASE_METHOD(net_fixture, "a line is the same wherever it is cut", "[net][line]") {
  const std::string text = "first\r\nsecond\nthird\r\n";
  for (std::size_t cut = 1; cut < text.size(); ++cut) {
    auto reader = begin([](connection& peer) -> task<std::string> {
      std::string lines;
      for (int i = 0; i < 3; ++i) {
        const std::string line = co_await peer.until_eol();
        lines += "[" + line + "]";
      }
      co_return lines;
    });
    arrives(text.substr(0, cut));
    settle();
    REQUIRE_FALSE(reader.done());
    arrives(text.substr(cut));
    REQUIRE(result(reader) == "[first\r\n][second\n][third\r\n]");
  }
}

TEST_CASE_METHOD(net_fixture, "a strict line is the same wherever it is cut", "[net][line]") {
  const std::string text = "a\rb\nc\r\r\n";
  for (std::size_t cut = 1; cut < text.size(); ++cut) {
    auto reader = begin(read_crlf_line);
    arrives(text.substr(0, cut));
    settle();
    REQUIRE_FALSE(reader.done());
    arrives(text.substr(cut));
    REQUIRE(result(reader) == text);
  }
}

TEST_CASE_METHOD(net_fixture, "lines that come byte by byte are lines", "[net][line]") {
  auto reader = begin(read_line);
  const std::string_view line = "one byte at a time\r\n";
  for (const char byte : line) arrives(std::string(1, byte));
  REQUIRE(result(reader) == line);
}

TEST_CASE_METHOD(net_fixture, "lines of any length come out whole, in order, however they are cut",
                 "[net][line]") {
  random_stream random(test_seed());
  std::string text;
  std::vector<std::string> lines;
  for (int i = 0; i < 400; ++i) {
    std::string line(random.uniform(0, i % 40 == 0 ? 9000 : 90), 'a');
    for (char& c : line) c = static_cast<char>('a' + random.uniform(0, 25));
    line += random.chance(0.5) ? "\r\n" : "\n";
    text += line;
    lines.push_back(std::move(line));
  }
  auto reader = begin([](connection& peer) -> task<std::vector<std::string>> {
    std::vector<std::string> read;
    for (int i = 0; i < 400; ++i) {
      std::string line = co_await peer.until_eol();
      read.push_back(std::move(line));
    }
    co_return read;
  });

  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = random.uniform(1, 400);
    arrives(text.substr(at, length));
    at += length;
  }

  REQUIRE(result(reader) == lines);
}

TEST_CASE_METHOD(net_fixture, "next_line leaves the line end away", "[net][line]") {
  arrives("plain\nwith both\r\n\n\r\ntwo returns\r\r\n");

  REQUIRE(result(begin(read_next_line)) == "plain");
  REQUIRE(result(begin(read_next_line)) == "with both");
  REQUIRE(result(begin(read_next_line)) == "");
  REQUIRE(result(begin(read_next_line)) == "");
  REQUIRE(result(begin(read_next_line)) == "two returns\r");
}

TEST_CASE_METHOD(net_fixture, "next_line gives a last line without an end, and then nothing",
                 "[net][line]") {
  arrives("whole\nhalf");
  auto whole = begin(read_next_line);
  REQUIRE(result(whole) == "whole");
  auto half = begin(read_next_line);
  settle();
  REQUIRE_FALSE(half.done());

  peer_ends();

  REQUIRE(result(half) == "half");
  REQUIRE_FALSE(result(begin(read_next_line)).has_value());
  REQUIRE_FALSE(result(begin(read_next_line)).has_value());
}

TEST_CASE_METHOD(net_fixture, "next_line keeps a lone CR at the end of the input", "[net][line]") {
  arrives("half\r");
  peer_ends();

  REQUIRE(result(begin(read_next_line)) == "half\r");
}

TEST_CASE_METHOD(net_fixture, "until_eol says how much of a line came before the end",
                 "[net][line]") {
  auto reader = begin(read_line);
  arrives("half a li");
  peer_ends();
  try {
    result(reader);
    FAIL("there is no line");
  } catch (const connection_closed& e) {
    REQUIRE(e.leftover() == "half a li");
    REQUIRE(std::string(e.what()) == "read a line from " + here.remote().to_string() +
                                         ": the peer closed the connection (9 bytes left unread)");
  }
}

}  // namespace line_test
