#pragma once

#include <cerrno>
#include <string_view>

#include <unistd.h>

namespace cetane::detail {

/// Writes all of it, also when a signal comes in between. A descriptor that cannot be written,
/// because it is closed or full, is no reason to fail: what is left is dropped.
inline void write_all(int descriptor, std::string_view text) noexcept {
  while (!text.empty()) {
    const ssize_t count = ::write(descriptor, text.data(), text.size());
    if (count > 0) {
      text.remove_prefix(static_cast<std::size_t>(count));
    } else if (count == 0 || errno != EINTR) {
      return;
    }
  }
}

}  // namespace cetane::detail
