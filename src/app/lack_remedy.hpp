#pragma once

#include <cerrno>
#include <string_view>

namespace cetane::detail {

/// What helps against a lack that the error number alone tells of; empty for others.
inline std::string_view lack_remedy(int code) noexcept {
  switch (code) {
    case EMFILE:
      return "raise the limit with ulimit -n";
    case ENFILE:
      return "raise the limit of the whole system with sysctl fs.file-max";
    default:
      return {};
  }
}

}  // namespace cetane::detail
