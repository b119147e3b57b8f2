#pragma once

#include <os/service_manager.hpp>

#include <cetane/base/clock.hpp>
#include <cetane/runtime/event_loop.hpp>
#include <cetane/runtime/timer.hpp>

namespace cetane::detail {

/// Tells the service manager again and again that this loop turns: at half the time after which
/// nothing would mean the opposite, as sd_watchdog_enabled(3) advises.
class watchdog final : timer {
 public:
  watchdog(event_loop& loop, os::service_manager& manager) : loop_(loop), manager_(manager) {
    wait();
  }
  ~watchdog() { disarm(); }

 private:
  void on_timer() noexcept override {
    try {
      manager_.alive();
    } catch (...) {  // no memory for a line of the log
    }
    wait();
  }
  void wait() noexcept { loop_.arm(*this, deadline_after(loop_.now(), manager_.watchdog() / 2)); }

  event_loop& loop_;
  os::service_manager& manager_;
};

}  // namespace cetane::detail
