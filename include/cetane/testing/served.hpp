#pragma once

#include <cetane/app/service.hpp>
#include <cetane/base/config.hpp>
#include <cetane/base/intrusive_list.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

namespace cetane::testing {

class host;

/// A service of a test, see world::serve(). It ends with this object: its handlers are destroyed
/// where they are.
///
/// So what they refer to, made before it, outlives them even when a failed REQUIRE cuts the test
/// short.
class CETANE_API served : public list_hook<host> {
 public:
  explicit served(service started) noexcept
      : service_(std::move(started)), port_(service_->port()) {}
  /// One of a host's, which may end it.
  served(service started, intrusive_list<served, host>& of) noexcept : served(std::move(started)) {
    of.push_back(*this);
  }
  served(const served&) = delete;
  served& operator=(const served&) = delete;
  ~served() { end(); }

  /// Where it listens.
  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }

  /// How many connections are open at its side, those that only flush their output included.
  [[nodiscard]] std::size_t connections() const noexcept {
    return service_ ? service_->connections() : 0;
  }

  /// Stops listening; handlers that run go on.
  void stop() noexcept {
    if (service_) service_->stop();
  }

  /// Ends it, as its destructor does.
  void end() noexcept {
    if (!service_) return;
    service_->end_now();
    service_.reset();
  }

 private:
  std::optional<service> service_;
  std::uint16_t port_;
};

}  // namespace cetane::testing
