#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace cetane::fuzz {

/// What stands for a line that was too long.
inline constexpr std::string_view too_long_line = "(too long)";

/// A text taken apart by hand.
struct plain_lines {
  /// @param limit  Longest line, in bytes, line end included.
  plain_lines(std::string_view text, std::size_t limit) {
    for (;;) {
      const std::size_t end = text.find('\n');
      if (end == std::string_view::npos) break;
      lines.emplace_back(end + 1 <= limit ? text.substr(0, end + 1) : too_long_line);
      text.remove_prefix(end + 1);
    }
    if (text.size() >= limit) {
      lines.emplace_back(too_long_line);
    } else {
      rest = text;
    }
  }

  std::vector<std::string> lines;  // with their ends
  std::string rest;                // behind the last line end
};

inline bool is_beginning(const std::vector<std::string>& of_it, const plain_lines& all) {
  if (of_it.size() > all.lines.size()) return false;
  return std::equal(of_it.begin(), of_it.end(), all.lines.begin());
}

}  // namespace cetane::fuzz
