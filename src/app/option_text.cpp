#include <app/option_text.hpp>

#include <cetane/base/text.hpp>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace cetane::detail {

std::optional<std::int64_t> parse_number(std::string_view text) {
  std::int64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, failure] = std::from_chars(text.data(), end, number);
  if (failure != std::errc() || stop != end) return std::nullopt;
  return number;
}

std::optional<duration> parse_span(std::string_view text) {
  double count = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, failure] = std::from_chars(text.data(), end, count);
  if (failure != std::errc() || !(count >= 0)) return std::nullopt;
  const std::string unit = trim({stop, static_cast<std::size_t>(end - stop)});
  if (unit == "ms") return seconds_to_duration(count / 1000);
  if (unit.empty() || unit == "s") return seconds_to_duration(count);
  if (unit == "min") return seconds_to_duration(count * 60);
  return std::nullopt;
}

std::string span_text(duration span) {
  using namespace std::chrono_literals;
  const double seconds = std::chrono::duration<double>(span).count();
  if (span >= 1min && span % 1min == duration::zero()) return fmt::format("{}min", span / 1min);
  if (span >= 1s || span == duration::zero()) return fmt::format("{:g}s", seconds);
  return fmt::format("{:g}ms", seconds * 1000);
}

std::optional<bool> parse_flag(std::string_view text) {
  for (const std::string_view yes : {"1", "yes", "true", "on"}) {
    if (text == yes) return true;
  }
  for (const std::string_view no : {"0", "no", "false", "off"}) {
    if (text == no) return false;
  }
  return std::nullopt;
}

std::size_t letters_apart(std::string_view one, std::string_view other) {
  std::vector<std::size_t> row(other.size() + 1);
  for (std::size_t i = 0; i < row.size(); ++i) row[i] = i;
  for (std::size_t i = 0; i < one.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j < other.size(); ++j) {
      const std::size_t exchanged = diagonal + (one[i] == other[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({exchanged, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

}  // namespace cetane::detail
