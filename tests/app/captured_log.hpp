#pragma once

#include <cetane/base/log.hpp>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace cetane::test {

/// Collects what is logged while it lives.
class captured_log {
 public:
  explicit captured_log(log::level minimum = log::level::debug) {
    log::set_level(minimum);
    log::set_sink([this](log::level at, std::string_view, std::string_view text) {
      lines_.push_back({at, std::string(text)});
    });
  }
  captured_log(const captured_log&) = delete;
  captured_log& operator=(const captured_log&) = delete;
  ~captured_log() {
    log::set_sink(nullptr);
    log::set_level(log::level::info);
  }

  /// The lines of a level, in their order.
  std::vector<std::string> of(log::level at) const {
    std::vector<std::string> found;
    for (const line& each : lines_) {
      if (each.at == at) found.push_back(each.text);
    }
    return found;
  }

  bool has(std::string_view part) const {
    return std::any_of(lines_.begin(), lines_.end(),
                       [&](const line& each) { return each.text.find(part) != std::string::npos; });
  }

 private:
  struct line {
    log::level at;
    std::string text;
  };
  std::vector<line> lines_;
};

}  // namespace cetane::test
