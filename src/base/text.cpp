#include <cetane/base/text.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <iterator>

namespace cetane {
namespace {

constexpr std::string_view ascii_white_space = " \t\n\v\f\r";

std::uint8_t byte_at(std::string_view text, std::size_t index) {
  return static_cast<std::uint8_t>(text[index]);
}

struct character {
  char32_t code = 0;
  std::size_t length = 0;  // in bytes; 0: not well-formed UTF-8
};

std::size_t length_by_first_byte(std::uint8_t first) {
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return 2;
  if (first >= 0xE0 && first <= 0xEF) return 3;
  if (first >= 0xF0 && first <= 0xF4) return 4;
  return 0;
}

// Decodes the first character by the table of well-formed byte sequences (RFC 3629): no overlong
// form, no surrogate.
character decode(std::string_view text) {
  const std::uint8_t first = byte_at(text, 0);
  const std::size_t length = length_by_first_byte(first);
  if (length == 0 || length > text.size()) return {};
  if (length == 1) return {first, 1};

  char32_t code = first & (0x7FU >> length);
  for (std::size_t i = 1; i < length; ++i) {
    const std::uint8_t next = byte_at(text, i);
    if ((next & 0xC0U) != 0x80) return {};
    code = (code << 6U) | (next & 0x3FU);
  }
  constexpr char32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
  if (code < smallest[length] || surrogate || code > 0x10FFFF) return {};
  return {code, length};
}

// What ends a line, moves a cursor, or makes a terminal show the text in another order than it has.
bool is_control(char32_t code) {
  if (code < 0x20 || (code >= 0x7F && code <= 0x9F)) return true;
  if (code == 0x61C || code == 0xFEFF) return true;
  return (code >= 0x200B && code <= 0x200F) || (code >= 0x2028 && code <= 0x202E) ||
         (code >= 0x2060 && code <= 0x206F);
}

enum class quoting { escaped, kept };

bool stays(character c, quoting quotes) {
  if (c.length == 0 || is_control(c.code)) return false;
  return quotes == quoting::kept || (c.code != '"' && c.code != '\\');
}

void append_escaped(std::string& out, char byte) {
  switch (byte) {
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    default:
      fmt::format_to(std::back_inserter(out), "\\x{:02x}", static_cast<std::uint8_t>(byte));
  }
}

// Appends one character and returns how many bytes of `text` it took.
std::size_t append_character(std::string& out, std::string_view text, quoting quotes) {
  const character c = decode(text);
  const std::size_t length = c.length == 0 ? 1 : c.length;
  const std::string_view bytes = text.substr(0, length);
  if (stays(c, quotes)) {
    out += bytes;
  } else {
    for (const char byte : bytes) append_escaped(out, byte);
  }
  return length;
}

}  // namespace

std::string trim(std::string_view text) {
  const std::size_t first = text.find_first_not_of(ascii_white_space);
  if (first == std::string_view::npos) return {};
  const std::size_t last = text.find_last_not_of(ascii_white_space);
  return std::string(text.substr(first, last - first + 1));
}

std::string escape(std::string_view text, std::size_t most) {
  std::string out;
  out.reserve(std::min(text.size(), most));
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t before = out.size();
    const std::size_t length = append_character(out, text.substr(at), quoting::escaped);
    if (at + length > most) {  // a character that the limit would cut in two stays out whole
      out.resize(before);
      fmt::format_to(std::back_inserter(out), "... ({} more bytes)", text.size() - at);
      break;
    }
    at += length;
  }
  return out;
}

std::string printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    at += append_character(out, text.substr(at), quoting::kept);
  }
  return out;
}

}  // namespace cetane
