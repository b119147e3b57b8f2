#pragma once

#include <cetane/base/config.hpp>

#include <iosfwd>
#include <string>
#include <utility>

namespace cetane::testing {

/// Whether a world has nothing to do before its clock moves, see world::quiet(). A REQUIRE that
/// finds it does shows what.
class CETANE_API quietness {
 public:
  explicit quietness(std::string noise) : noise_(std::move(noise)) {}

  explicit operator bool() const noexcept { return noise_.empty(); }

  /// What goes on: "1 task is ready on the host db".
  const std::string& noise() const noexcept { return noise_; }

 private:
  std::string noise_;
};

CETANE_API std::ostream& operator<<(std::ostream& out, const quietness& what);

}  // namespace cetane::testing
