#pragma once

#include <cetane/base/clock.hpp>

#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <utility>

namespace cetane::detail {

/// What happened in a simulation: a hash over all of it, and the last lines of a log.
///
/// Nothing enters that may differ from run to run: no pointer, no real time, no descriptor of the
/// system's.
class sim_trace {
 public:
  /// Keeps `limit` lines.
  explicit sim_trace(std::size_t limit) noexcept : limit_(limit) {}

  void fold(std::uint64_t value) noexcept;
  void fold(std::string_view bytes) noexcept;

  template <class... Args>
  void note(time_point now, fmt::format_string<Args...> format, Args&&... args) {
    add_line(now, fmt::format(format, std::forward<Args>(args)...));
  }

  std::uint64_t hash() const noexcept { return hash_; }
  std::string tail(std::size_t lines) const;

 private:
  void add_line(time_point now, std::string_view text);

  std::size_t limit_;
  std::uint64_t hash_ = 0xCBF29CE484222325U;
  std::deque<std::string> lines_;
};

}  // namespace cetane::detail
