#pragma once

#include <cetane/app/service.hpp>
#include <cetane/base/config.hpp>

#include <cstddef>
#include <cstdint>
#include <utility>

namespace cetane::testing {

/// A service of a test, see world::serve(). It ends with this object: its handlers are destroyed
/// where they are.
///
/// So what they refer to, made before it, outlives them even when a failed REQUIRE cuts the test
/// short.
class CETANE_API served {
 public:
  explicit served(service started) noexcept : service_(std::move(started)) {}
  served(const served&) = delete;
  served& operator=(const served&) = delete;
  ~served() { service_.end_now(); }

  /// Where it listens.
  [[nodiscard]] std::uint16_t port() const noexcept { return service_.port(); }

  /// How many connections are open at its side, those that only flush their output included.
  [[nodiscard]] std::size_t connections() const noexcept { return service_.connections(); }

  /// Stops listening; handlers that run go on.
  void stop() noexcept { service_.stop(); }

 private:
  service service_;
};

}  // namespace cetane::testing
