#pragma once

#include <base/write_all.hpp>

#include <cstdio>
#include <string_view>

namespace cetane::detail {

/// Writes at once, behind what the program has printed. Past stdio, which drops what a signal has
/// kept it from writing.
inline void write_text(std::FILE* to, std::string_view text) {
  std::fflush(to);
  write_all(::fileno(to), text);
}

}  // namespace cetane::detail
