#pragma once

#include <map>
#include <string>

namespace cetane::fuzz {

/// What getenv() finds while this object lives, and nothing else; see wrapped_calls.cpp. One at a
/// time.
class environment {
 public:
  environment();
  environment(const environment&) = delete;
  environment& operator=(const environment&) = delete;
  ~environment();

  void set(const std::string& name, std::string value) { variables_[name] = std::move(value); }

  /// The one that there is, or null.
  static environment* current() noexcept;
  const char* find(const std::string& name) const noexcept;

 private:
  static environment* current_;

  std::map<std::string, std::string> variables_;
};

}  // namespace cetane::fuzz
