#include <fuzz/fuzz.hpp>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace cetane::fuzz {
namespace {

constinit const target* all_targets = nullptr;

// The length of the well-formed character at the front, and its code; 0 where there is none. Made
// from the table in chapter 3 of the Unicode standard, and not from what it is to judge.
std::size_t character_at_front(std::string_view text, char32_t& code) {
  const auto at = [&](std::size_t i) {
    return i < text.size() ? static_cast<std::uint8_t>(text[i]) : std::uint8_t{0};
  };
  const auto follows = [&](std::size_t i) { return at(i) >= 0x80 && at(i) <= 0xBF; };
  const auto bits = [&](std::size_t i) { return char32_t{at(i)} & 0x3FU; };
  const unsigned first = at(0);
  const unsigned second = at(1);
  if (first < 0x80) {
    code = first;
    return 1;
  }
  if (first >= 0xC2 && first <= 0xDF && follows(1)) {
    code = (first & 0x1FU) << 6U | bits(1);
    return 2;
  }
  const bool three = (first == 0xE0 && second >= 0xA0) || (first >= 0xE1 && first <= 0xEC) ||
                     (first == 0xED && second <= 0x9F) || first == 0xEE || first == 0xEF;
  if (three && follows(1) && follows(2)) {
    code = (first & 0x0FU) << 12U | bits(1) << 6U | bits(2);
    return 3;
  }
  const bool four = (first == 0xF0 && second >= 0x90) || (first >= 0xF1 && first <= 0xF3) ||
                    (first == 0xF4 && second <= 0x8F);
  if (four && follows(1) && follows(2) && follows(3)) {
    code = (first & 0x07U) << 18U | bits(1) << 12U | bits(2) << 6U | bits(3);
    return 4;
  }
  return 0;
}

// Control characters of both kinds, and those that turn or hide text or break its lines.
bool is_obeyed(char32_t code) {
  const auto within = [code](char32_t low, char32_t high) { return code >= low && code <= high; };
  return within(0, 0x1F) || within(0x7F, 0x9F) || within(0x200B, 0x200F) ||
         within(0x2028, 0x202E) || within(0x2066, 0x2069) || code == 0x61C || code == 0xFEFF;
}

}  // namespace

std::uint8_t input::byte() noexcept {
  if (bytes_.empty()) return 0;
  const auto last = static_cast<std::uint8_t>(bytes_.back());
  bytes_.remove_suffix(1);
  return last;
}

std::size_t input::number(std::size_t most) noexcept {
  std::size_t value = 0;
  for (std::size_t range = most; range != 0; range >>= 8U) value = value << 8U | byte();
  return most + 1 == 0 ? value : value % (most + 1);
}

std::string_view input::text(std::size_t count) noexcept {
  const std::string_view taken = bytes_.substr(0, count);
  bytes_.remove_prefix(taken.size());
  return taken;
}

std::string_view input::line() noexcept {
  const std::string_view taken = text(std::min(bytes_.find('\n'), bytes_.size()));
  text(1);
  return taken;
}

void fail(std::string_view promise, std::string_view details, std::source_location where) {
  fmt::print(stderr, "{}:{}: broken: {}{}{}\n", where.file_name(), where.line(), promise,
             details.empty() ? "" : ": ", details);
  std::fflush(stderr);
  std::abort();
}

bool is_harmless(std::string_view text) {
  while (!text.empty()) {
    char32_t code = 0;
    const std::size_t length = character_at_front(text, code);
    if (length == 0 || is_obeyed(code)) return false;
    text.remove_prefix(length);
  }
  return true;
}

target::target(const char* name, function run) noexcept
    : name_(name), run_(run), next_(all_targets) {
  all_targets = this;
}

const target* target::first() noexcept { return all_targets; }

const target* target::find(std::string_view name) noexcept {
  const target* each = all_targets;
  while (each != nullptr && name != each->name()) each = each->next();
  return each;
}

}  // namespace cetane::fuzz
