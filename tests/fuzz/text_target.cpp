// Text that a stranger has sent, on its way into a log line.
#include <fuzz/fuzz.hpp>

#include <cetane/base/log.hpp>
#include <cetane/base/text.hpp>

#include <cctype>

namespace cetane::fuzz::text_target {

int digit(char c) { return c <= '9' ? c - '0' : c - 'a' + 10; }

// Reads what escape() writes.
std::string unescape(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      plain += text[i];
      continue;
    }
    const char kind = text.at(++i);
    if (kind == 'x') {
      plain += static_cast<char>(digit(text.at(i + 1)) * 16 + digit(text.at(i + 2)));
      i += 2;
    } else {
      plain += kind == 'n' ? '\n' : kind == 'r' ? '\r' : kind == 't' ? '\t' : kind;
    }
  }
  return plain;
}

void check_escape(std::string_view text, std::size_t most) {
  const std::string whole = escape(text, text.size());
  require(is_harmless(whole), "what is escaped is harmless");
  require_equal(unescape(whole), text, "what is escaped can be read back");

  const std::string cut = escape(text, most);
  if (text.size() <= most) return require_equal(cut, whole, "what fits is not cut");
  std::size_t kept = most;
  const auto cut_at = [&](std::size_t at) {
    return escape(text.substr(0, at), at) + fmt::format("... ({} more bytes)", text.size() - at);
  };
  while (kept > 0 && most - kept < 3 && cut_at(kept) != cut) --kept;
  require_equal(cut, cut_at(kept), "what is cut is a beginning and says how much is missing");
}

void check_printable(std::string_view text) {
  const std::string shown = printable(text);
  require(is_harmless(shown), "what is printable is harmless");
  require_equal(printable(shown), shown, "what is printable stays as it is");
  if (is_harmless(text)) require_equal(shown, text, "what is harmless stays as it is");
}

void check_trim(std::string_view text) {
  const auto is_space = [](char c) { return c == ' ' || (c >= '\t' && c <= '\r'); };
  std::string_view left = text;
  while (!left.empty() && is_space(left.front())) left.remove_prefix(1);
  while (!left.empty() && is_space(left.back())) left.remove_suffix(1);
  require_equal(trim(text), left, "trim takes white space from both ends");
}

void check_log(std::string_view text) {
  std::string line;
  log::set_sink([&](log::level, std::string_view, std::string_view said) { line = said; });
  log::error("it said {}", text);
  log::set_sink({});
  require_equal(line, "it said " + printable(text), "a log line is printable");
}

void check_level(std::string_view text) {
  const auto level = log::parse_level(text);
  if (!level) return;
  std::string upper(text);
  for (char& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  const std::string_view name = log::to_string(*level);
  require(upper == name || (upper == "WARN" && name == "WARNING"), "a level is what it is called");
}

const target here("text", [](input in) {
  const std::size_t most = in.number(300);
  const std::string_view text = in.rest();
  check_escape(text, most);
  check_printable(text);
  check_trim(text);
  check_log(text);
  check_level(text);
});

}  // namespace cetane::fuzz::text_target
