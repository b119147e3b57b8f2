#include <cetane/testing/fault_filter.hpp>

#include <testing/in_seconds.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <stdexcept>
#include <utility>

namespace cetane::testing {
namespace {

[[noreturn]] void refuse(std::string_view text) {
  std::string kinds;
  for (const fault_kind kind : every_fault_kind) kinds += fmt::format(" {}", name_of(kind));
  throw std::invalid_argument(
      fmt::format("\"{}\" says no faults: write \"none\" or kinds with commas between them, and a "
                  "span of time after them if need be, \"resets,storms@0.2..0.4\"; there are{}",
                  text, kinds));
}

std::optional<fault_kind> kind_named(std::string_view name) {
  const auto found = std::find_if(every_fault_kind.begin(), every_fault_kind.end(),
                                  [&](fault_kind kind) { return name_of(kind) == name; });
  if (found == every_fault_kind.end()) return std::nullopt;
  return *found;
}

std::optional<duration> seconds_in(std::string_view text) {
  double seconds = 0;
  const auto [stop, failure] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  const bool whole = failure == std::errc() && stop == text.data() + text.size();
  if (!whole || !(seconds >= 0) || seconds > 1e9) return std::nullopt;
  return std::chrono::duration_cast<duration>(std::chrono::duration<double>(seconds));
}

// "a,b" is "a" first; the rest stays in `text`.
std::string_view next_word(std::string_view& text) {
  const std::size_t end = std::min(text.find(','), text.size());
  const std::string_view word = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return word;
}

}  // namespace

fault_filter fault_filter::parse(std::string_view text) {
  fault_filter filter;
  const std::size_t at = std::min(text.find('@'), text.size());
  std::string_view names = text.substr(0, at);
  if (names == "none") {
    filter.only({});
  } else if (!names.empty()) {
    if (names.back() == ',') refuse(text);
    std::vector<fault_kind> kinds;
    while (!names.empty()) {
      const auto kind = kind_named(next_word(names));
      if (!kind) refuse(text);
      kinds.push_back(*kind);
    }
    filter.only(std::move(kinds));
  }
  if (at == text.size()) return filter;
  const std::string_view span = text.substr(at + 1);
  const std::size_t dots = span.find("..");
  if (dots == span.npos) refuse(text);
  const auto begin = seconds_in(span.substr(0, dots));
  const auto end = seconds_in(span.substr(dots + 2));
  if (!begin || !end || *end < *begin) refuse(text);
  return filter.between(*begin, *end);
}

fault_filter& fault_filter::only(std::vector<fault_kind> kinds) {
  kinds_ = std::move(kinds);
  return *this;
}

fault_filter& fault_filter::between(any_duration begin, any_duration end) {
  begin_ = begin;
  end_ = end;
  return *this;
}

faults fault_filter::applied_to(faults wanted) const {
  if (kinds_) {
    for (const fault_kind kind : every_fault_kind) {
      if (std::find(kinds_->begin(), kinds_->end(), kind) == kinds_->end()) wanted.without(kind);
    }
  }
  const duration end = std::min(end_, wanted.ways().window_end());
  const duration begin = std::min(std::max(begin_, wanted.ways().window_begin()), end);
  return wanted.until(duration::max()).from(begin).until(end);
}

std::string fault_filter::to_string() const {
  std::string text = kinds_ && kinds_->empty() ? "none" : "";
  for (const fault_kind kind : kinds_.value_or(std::vector<fault_kind>())) {
    text += fmt::format("{}{}", text.empty() ? "" : ",", name_of(kind));
  }
  if (begin_ == duration::zero() && end_ == duration::max()) return text;
  return text + fmt::format("@{}..{}", in_seconds(begin_), in_seconds(end_));
}

std::vector<fault_kind> kinds_of(const faults& told) {
  const sim_options good;
  const sim_options& ways = told.ways();
  const auto named = [&](fault_kind kind) {
    switch (kind) {
      case fault_kind::latency:
        return ways.shortest_latency() != good.shortest_latency() ||
               ways.longest_latency() != good.longest_latency();
      case fault_kind::bandwidth:
        return ways.bandwidth() != good.bandwidth();
      case fault_kind::buffers:
        return ways.capacity() != good.capacity();
      case fault_kind::split_reads:
        return ways.longest_segment() != good.longest_segment();
      default:
        return ways.share(kind) > 0;
    }
  };
  const time_point within = simulation_start + ways.window_begin();
  std::vector<fault_kind> kinds;
  for (const fault_kind kind : every_fault_kind) {
    if (named(kind) && ways.allows(kind, within)) kinds.push_back(kind);
  }
  return kinds;
}

}  // namespace cetane::testing
