#pragma once

#include <cstdio>
#include <string>

namespace cetane::detail {

/// Writes at once. A stream that cannot be written, because it is closed or full, is no reason to
/// fail.
inline void write_text(std::FILE* to, const std::string& text) {
  std::fputs(text.c_str(), to);
  std::fflush(to);
}

}  // namespace cetane::detail
