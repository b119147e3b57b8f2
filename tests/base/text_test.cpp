#include <cetane/base/text.hpp>

#include <catch2/catch_test_macros.hpp>

#include <string>
#include <string_view>

namespace text_test {

using namespace std::string_view_literals;
using cetane::escape;
using cetane::printable;
using cetane::trim;

TEST_CASE("trim takes white space off both ends and leaves the inside", "[base][text]") {
  CHECK(trim("quit\r\n") == "quit");
  CHECK(trim(" \t two  words \v\f") == "two  words");
  CHECK(trim("").empty());
  CHECK(trim("\r\n").empty());
  CHECK(trim("x") == "x");
}

TEST_CASE("trim leaves what is white space only in some locale", "[base][text]") {
  CHECK(trim("\xA0name\xA0") == "\xA0name\xA0");
  CHECK(trim("\0name\0"sv) == std::string("\0name\0"sv));
}

TEST_CASE("the trimmed text does not look into the line it came from", "[base][text]") {
  const std::string kept = trim(std::string(100, ' ') + std::string(100, 'x'));

  CHECK(kept == std::string(100, 'x'));
}

TEST_CASE("escape leaves printable text alone", "[base][text]") {
  CHECK(escape("hello, world 'x' ~") == "hello, world 'x' ~");
  CHECK(escape("gr\xC3\xBC\xC3\x9F dich \xE2\x82\xAC \xF0\x9F\x98\x80") ==
        "gr\xC3\xBC\xC3\x9F dich \xE2\x82\xAC \xF0\x9F\x98\x80");
  CHECK(escape("").empty());
}

TEST_CASE("escape makes line ends, control bytes, quotes and backslashes visible", "[base][text]") {
  CHECK(escape("a\r\nb\tc") == "a\\r\\nb\\tc");
  CHECK(escape("\x1b[31m") == "\\x1b[31m");
  CHECK(escape("\0\x7f"sv) == "\\x00\\x7f");
  CHECK(escape("say \"hi\" \\n") == "say \\\"hi\\\" \\\\n");
}

TEST_CASE("escape shows C1 controls and what turns or hides text", "[base][text]") {
  CHECK(escape("\xC2\x9B"
               "31m") == "\\xc2\\x9b31m");  // CSI in one character
  CHECK(escape("\xC2\xA0") == "\xC2\xA0");  // the first one after C1
  CHECK(escape("\xE2\x80\xAE"
               "txt") == "\\xe2\\x80\\xaetxt");        // right-to-left override
  CHECK(escape("\xE2\x80\xA8") == "\\xe2\\x80\\xa8");  // line separator
  CHECK(escape("\xE2\x81\xA6") == "\\xe2\\x81\\xa6");  // left-to-right isolate
  CHECK(escape("\xE2\x80\x8B") == "\\xe2\\x80\\x8b");  // zero width space
}

TEST_CASE("escape shows bytes that are no UTF-8", "[base][text]") {
  CHECK(escape("\xFF") == "\\xff");
  CHECK(escape("\x9B") == "\\x9b");                             // a lone continuation byte
  CHECK(escape("\xC0\x8A") == "\\xc0\\x8a");                    // overlong line feed
  CHECK(escape("\xE0\x80\x8A") == "\\xe0\\x80\\x8a");           // and in three bytes
  CHECK(escape("\xED\xA0\x80") == "\\xed\\xa0\\x80");           // surrogate
  CHECK(escape("\xF4\x90\x80\x80") == "\\xf4\\x90\\x80\\x80");  // beyond U+10FFFF
  CHECK(escape("\xE2\x82") == "\\xe2\\x82");                    // cut off at the end
  CHECK(escape("\xE2\x82z") == "\\xe2\\x82z");                  // and in the middle
}

TEST_CASE("escape shortens and says by how much", "[base][text]") {
  CHECK(escape("123456", 6) == "123456");
  CHECK(escape("1234567", 6) == "123456... (1 more bytes)");
  CHECK(escape(std::string(300, 'x')) == std::string(200, 'x') + "... (100 more bytes)");
  CHECK(escape("\n\n\n", 2) == "\\n\\n... (1 more bytes)");
  CHECK(escape("x", 0) == "... (1 more bytes)");
}

TEST_CASE("escape does not cut a character in two", "[base][text]") {
  CHECK(escape("ab\xE2\x82\xAC", 4) == "ab... (3 more bytes)");
  CHECK(escape("ab\xE2\x82\xAC", 5) == "ab\xE2\x82\xAC");
}

TEST_CASE("no byte escapes into a control byte or broken UTF-8", "[base][text]") {
  for (int first = 0; first < 256; ++first) {
    for (int second = 0; second < 256; ++second) {
      const char pair[] = {static_cast<char>(first), static_cast<char>(second)};
      const std::string safe = escape({pair, 2});
      INFO("bytes " << first << " " << second);
      for (const char c : safe) REQUIRE((static_cast<unsigned char>(c) >= 0x20 && c != 0x7f));
      REQUIRE(printable(safe) == safe);
    }
  }
}

TEST_CASE("printable keeps quotes and backslashes and the whole length", "[base][text]") {
  CHECK(printable("held by \"echo\" \\o/\n") == "held by \"echo\" \\o/\\n");
  CHECK(printable(std::string(1000, 'x')) == std::string(1000, 'x'));
  CHECK(printable("\x1b]0;title\x07") == "\\x1b]0;title\\x07");
}

}  // namespace text_test
