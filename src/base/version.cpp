#include <cetane/base/version.hpp>

#include <fmt/format.h>

namespace cetane {

version library_version() noexcept { return {}; }

std::string to_string(const version& v) {
  return fmt::format("{}.{}.{}", v.major, v.minor, v.patch);
}

}  // namespace cetane
