#include "backend/sim_trace.hpp"

#include <algorithm>
#include <cstring>

namespace cetane::detail {

// Mixes 64 bits into the hash: multiply, then fold the high half down, so that each bit of both
// reaches all.
void sim_trace::fold(std::uint64_t value) noexcept {
  hash_ = (hash_ ^ value) * 0x9E3779B97F4A7C15U;
  hash_ ^= hash_ >> 32U;
}

void sim_trace::fold(std::string_view bytes) noexcept {
  fold(bytes.size());
  while (!bytes.empty()) {
    const std::size_t length = std::min(bytes.size(), sizeof(std::uint64_t));
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data(), length);
    fold(word);
    bytes.remove_prefix(length);
  }
}

std::string sim_trace::tail(std::size_t lines) const {
  std::string text;
  for (std::size_t i = lines_.size() - std::min(lines, lines_.size()); i < lines_.size(); ++i) {
    text += lines_[i];
    text += '\n';
  }
  return text;
}

void sim_trace::add_line(time_point now, std::string_view text) {
  const std::int64_t ns = now.time_since_epoch().count();
  std::string line = fmt::format("{}.{:09} {}", ns / 1'000'000'000, ns % 1'000'000'000, text);
  fold(line);
  lines_.push_back(std::move(line));
  if (lines_.size() > limit_) lines_.pop_front();
}

}  // namespace cetane::detail
