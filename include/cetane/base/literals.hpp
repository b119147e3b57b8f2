#pragma once

#include <cstddef>

namespace cetane {
inline namespace literals {

/// 64_KiB is 65,536.
[[nodiscard]] consteval std::size_t operator""_KiB(unsigned long long count) {
  return static_cast<std::size_t>(count) << 10U;
}

[[nodiscard]] consteval std::size_t operator""_MiB(unsigned long long count) {
  return static_cast<std::size_t>(count) << 20U;
}

}  // namespace literals
}  // namespace cetane
