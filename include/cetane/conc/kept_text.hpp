#pragma once

#include <string>
#include <type_traits>

namespace cetane::detail {

/// Text that a task was given as a `const char*`, kept as a copy.
///
/// A pointer would be converted for a parameter `const std::string&`, and the string which that
/// makes is gone when the coroutine suspends for the first time. This one lives as long as the
/// task, and serves a `const char*` as well.
class kept_text : public std::string {
 public:
  explicit kept_text(const char* text)
      : std::string(text != nullptr ? text : ""), is_null_(text == nullptr) {}

  operator const char*() const noexcept { return is_null_ ? nullptr : c_str(); }

 private:
  bool is_null_;
};

template <class T>
inline constexpr bool is_plain_text = std::is_same_v<T, const char*> || std::is_same_v<T, char*>;

/// As what a task or a service keeps an argument of type T.
template <class T>
using kept_t = std::conditional_t<is_plain_text<std::decay_t<T>>, kept_text, std::decay_t<T>>;

}  // namespace cetane::detail
