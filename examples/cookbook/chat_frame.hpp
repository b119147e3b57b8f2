// The frames of listing 2.3's chat: what Python's `struct` and `pickle` make of one string.
//
// A header of 8 bytes, the length of the body as four bytes, the highest first, and four zero
// bytes; then the pickle of a tuple with one string, in protocol 4 as Python 3.8 to 3.13 write it,
// or in protocol 0. A pickle may ask its reader to call any function; nothing here does: whatever
// is not exactly such a tuple is refused.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace chat_frame {

inline constexpr std::size_t header_bytes = 8;
inline constexpr std::size_t longest_body = 64 * 1024;

struct bad_frame : std::runtime_error {
  using std::runtime_error::runtime_error;
};

inline std::string little_endian(std::uint64_t number, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i) text += static_cast<char>(number >> (8 * i));
  return text;
}

/// The frame of a text, as UTF-8.
inline std::string encode(std::string_view text) {
  using namespace std::string_literals;
  const bool is_short = text.size() < 256;
  std::string tuple = is_short ? "\x8c"s : "X"s;
  tuple += little_endian(text.size(), is_short ? 1 : 4);
  tuple += text;
  tuple += "\x94\x85\x94.";
  const std::string body = "\x80\x04\x95"s + little_endian(tuple.size(), 8) + tuple;
  std::string frame = little_endian(body.size(), 4);
  return std::string(frame.rbegin(), frame.rend()) + std::string(4, '\0') + body;
}

/// Takes bytes off the front of a body.
class body_reader {
 public:
  explicit body_reader(std::string_view body) : rest_(body) {}

  bool at_end() const { return rest_.empty(); }
  bool take_if(std::string_view text) {
    if (!rest_.starts_with(text)) return false;
    rest_.remove_prefix(text.size());
    return true;
  }
  void expect(std::string_view text) {
    if (!take_if(text)) throw bad_frame("no pickle of a tuple with one string");
  }
  std::string_view take(std::size_t count) {
    if (count > rest_.size()) throw bad_frame("the pickle is cut off");
    const std::string_view taken = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return taken;
  }
  std::uint64_t take_little_endian(std::size_t bytes) {
    std::uint64_t number = 0;
    int shift = 0;
    for (const char c : take(bytes)) {
      number |= std::uint64_t{static_cast<unsigned char>(c)} << shift;
      shift += 8;
    }
    return number;
  }
  std::string_view take_line() {
    const std::string_view line =
        take(rest_.find('\n') == rest_.npos ? rest_.size() + 1 : rest_.find('\n'));
    expect("\n");
    return line;
  }

 private:
  std::string_view rest_;
};

inline std::string utf8(std::uint32_t point) {
  std::string text;
  if (point < 0x80) return std::string(1, static_cast<char>(point));
  if (point < 0x800) {
    text += static_cast<char>(0xC0 | point >> 6);
  } else if (point < 0x10000) {
    text += static_cast<char>(0xE0 | point >> 12);
    text += static_cast<char>(0x80 | (point >> 6 & 0x3F));
  } else {
    text += static_cast<char>(0xF0 | (point >> 18 & 0x07));
    text += static_cast<char>(0x80 | (point >> 12 & 0x3F));
    text += static_cast<char>(0x80 | (point >> 6 & 0x3F));
  }
  return text + static_cast<char>(0x80 | (point & 0x3F));
}

inline std::uint32_t take_hex(body_reader& from, std::size_t digits) {
  std::uint32_t number = 0;
  for (const char c : from.take(digits)) {
    const bool decimal = c >= '0' && c <= '9';
    const bool letter = c >= 'a' && c <= 'f';
    if (!decimal && !letter) throw bad_frame("a bad escape in a string");
    number = number << 4 | static_cast<std::uint32_t>(decimal ? c - '0' : c - 'a' + 10);
  }
  return number;
}

/// Protocol 0, Python 3: Latin-1 with \uXXXX and \UXXXXXXXX.
inline std::string unescape_unicode(std::string_view line) {
  std::string text;
  for (body_reader in(line); !in.at_end();) {
    if (in.take_if("\\u")) {
      text += utf8(take_hex(in, 4));
    } else if (in.take_if("\\U")) {
      text += utf8(take_hex(in, 8));
    } else {
      text += utf8(static_cast<unsigned char>(in.take(1)[0]));
    }
  }
  return text;
}

/// Protocol 0, Python 2: bytes in quotes, as its repr() writes them.
inline std::string unescape_bytes(std::string_view line) {
  const char quote = line.empty() ? '\0' : line.front();
  if (line.size() < 2 || (quote != '\'' && quote != '"') || line.back() != quote) {
    throw bad_frame("a string without quotes");
  }
  std::string text;
  for (body_reader in(line.substr(1, line.size() - 2)); !in.at_end();) {
    if (!in.take_if("\\")) {
      text += in.take(1);
    } else if (in.take_if("n")) {
      text += '\n';
    } else if (in.take_if("r")) {
      text += '\r';
    } else if (in.take_if("t")) {
      text += '\t';
    } else if (in.take_if("x")) {
      text += static_cast<char>(take_hex(in, 2));
    } else {
      text += in.take(1);  // a quote or a backslash
    }
  }
  return text;
}

/// Passes over "remember this as number N".
inline void skip_memo(body_reader& in) {
  if (in.take_if("p") && in.take_line().find_first_not_of("0123456789") != std::string_view::npos) {
    throw bad_frame("a bad memo number");
  }
}

inline std::string decode_protocol_0(body_reader& in) {
  in.expect("(");
  std::string text;
  if (in.take_if("V")) {
    text = unescape_unicode(in.take_line());
  } else {
    in.expect("S");
    text = unescape_bytes(in.take_line());
  }
  skip_memo(in);
  in.expect("t");
  skip_memo(in);
  return text;
}

inline std::string decode_protocol_4(body_reader& in) {
  in.expect("\x80\x04");
  if (in.take_if("\x95")) in.take(8);  // how long the rest is; it shows by itself
  std::string text;
  if (in.take_if("\x8c")) {
    text = in.take(in.take_little_endian(1));
  } else {
    in.expect("X");
    text = in.take(in.take_little_endian(4));
  }
  in.take_if("\x94");
  in.expect("\x85");
  in.take_if("\x94");
  return text;
}

/// The text in the body of a frame.
/// @throws bad_frame  It is anything but a pickled tuple with one string.
inline std::string decode_body(std::string_view body) {
  body_reader in(body);
  const bool is_text = body.starts_with("(");
  std::string text = is_text ? decode_protocol_0(in) : decode_protocol_4(in);
  in.expect(".");
  if (!in.at_end()) throw bad_frame("bytes behind the pickle");
  return text;
}

/// How long the body behind a header is.
/// @throws bad_frame  It is longer than any text of this chat, or no header at all.
inline std::size_t body_length(std::string_view header) {
  using namespace std::string_view_literals;
  std::size_t length = 0;
  for (const char c : header.substr(0, 4)) length = length << 8 | static_cast<unsigned char>(c);
  if (header.substr(4, 4) != "\0\0\0\0"sv || length > longest_body) {
    throw bad_frame("no header of a frame, or too long");
  }
  return length;
}

/// Takes the first whole frame off the front of what has arrived; nothing when it is not whole.
/// @throws bad_frame  It is no frame of this chat.
inline std::optional<std::string> next(std::string& arrived) {
  if (arrived.size() < header_bytes) return std::nullopt;
  const std::size_t length = body_length(arrived);
  if (arrived.size() < header_bytes + length) return std::nullopt;
  std::string text = decode_body(std::string_view(arrived).substr(header_bytes, length));
  arrived.erase(0, header_bytes + length);
  return text;
}

}  // namespace chat_frame
