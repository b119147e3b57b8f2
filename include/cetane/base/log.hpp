#pragma once

#include <cetane/base/config.hpp>
#include <cetane/base/once_per.hpp>

#include <fmt/core.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <utility>

/// Lines for whoever runs the program. All of it may be called from any thread.
namespace cetane::log {

enum class level : std::uint8_t { debug, info, warning, error, off };

namespace detail {

/// What the loggers of one name share. Made once, never destroyed.
struct channel {
  std::string_view name;
  std::atomic<level> threshold;
};

CETANE_API extern channel unnamed;

CETANE_API void write(const channel& to, level at, fmt::string_view format,
                      fmt::format_args args) noexcept;

template <class... Args>
void write_if(const channel& to, level at, fmt::format_string<Args...> format, Args&&... args) {
  if (at < to.threshold.load(std::memory_order_relaxed)) return;
  write(to, at, format, fmt::make_format_args(args...));
}

}  // namespace detail

/// Writes a line without a logger's name, formatted with fmt. A level below the minimum costs one
/// comparison.
template <class... Args>
void debug(fmt::format_string<Args...> format, Args&&... args) {
  detail::write_if<Args...>(detail::unnamed, level::debug, format, std::forward<Args>(args)...);
}
template <class... Args>
void info(fmt::format_string<Args...> format, Args&&... args) {
  detail::write_if<Args...>(detail::unnamed, level::info, format, std::forward<Args>(args)...);
}
template <class... Args>
void warning(fmt::format_string<Args...> format, Args&&... args) {
  detail::write_if<Args...>(detail::unnamed, level::warning, format, std::forward<Args>(args)...);
}
template <class... Args>
void error(fmt::format_string<Args...> format, Args&&... args) {
  detail::write_if<Args...>(detail::unnamed, level::error, format, std::forward<Args>(args)...);
}

/// Writes lines under a name, with a minimum level that may differ from the general one.
///
/// Loggers of the same name share it. Cheap to copy; may be a global object.
class CETANE_API logger {
 public:
  explicit logger(std::string_view name);

  [[nodiscard]] std::string_view name() const noexcept { return channel_->name; }
  /// Says whether a line of this level is written.
  [[nodiscard]] bool enabled(level at) const noexcept {
    return at >= channel_->threshold.load(std::memory_order_relaxed);
  }

  template <class... Args>
  void debug(fmt::format_string<Args...> format, Args&&... args) const {
    detail::write_if<Args...>(*channel_, level::debug, format, std::forward<Args>(args)...);
  }
  template <class... Args>
  void info(fmt::format_string<Args...> format, Args&&... args) const {
    detail::write_if<Args...>(*channel_, level::info, format, std::forward<Args>(args)...);
  }
  template <class... Args>
  void warning(fmt::format_string<Args...> format, Args&&... args) const {
    detail::write_if<Args...>(*channel_, level::warning, format, std::forward<Args>(args)...);
  }
  template <class... Args>
  void error(fmt::format_string<Args...> format, Args&&... args) const {
    detail::write_if<Args...>(*channel_, level::error, format, std::forward<Args>(args)...);
  }

 private:
  const detail::channel* channel_;
};

/// Sets the general minimum level, which is `info` at first. Names with a level of their own keep
/// it.
CETANE_API void set_level(level minimum);
/// Sets the minimum level of the loggers of one name, those made later included.
CETANE_API void set_level(std::string_view name, level minimum);

/// Reads "debug", "info", "warning" (or "warn"), "error" or "off", in any case.
[[nodiscard]] CETANE_API std::optional<level> parse_level(std::string_view text) noexcept;
/// "DEBUG", "INFO", "WARNING", "ERROR", "OFF"
[[nodiscard]] CETANE_API std::string_view to_string(level at) noexcept;

/// Takes a line: its level, its logger's name (empty for none) and its text, without time and line
/// end, with control characters escaped.
using sink = std::function<void(level at, std::string_view name, std::string_view line)>;

/// Sends all lines to `where`, one at a time; without a function, to stderr again.
///
/// What the sink itself logs goes to stderr, and so does a line that it threw for.
CETANE_API void set_sink(sink where);

}  // namespace cetane::log
