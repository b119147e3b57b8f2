#pragma once

#include <cetane/base/config.hpp>

#include <compare>
#include <string>

// The version of these headers, for the preprocessor.
#define CETANE_VERSION_MAJOR 0
#define CETANE_VERSION_MINOR 1
#define CETANE_VERSION_PATCH 0

namespace cetane {

struct version {
  int major = CETANE_VERSION_MAJOR;
  int minor = CETANE_VERSION_MINOR;
  int patch = CETANE_VERSION_PATCH;

  auto operator<=>(const version&) const = default;
};

/// The version of the library that runs, which a program linked to the shared library may not have
/// been compiled with.
[[nodiscard]] CETANE_API version library_version() noexcept;

/// "0.1.0"
[[nodiscard]] CETANE_API std::string to_string(const version& v);

}  // namespace cetane
