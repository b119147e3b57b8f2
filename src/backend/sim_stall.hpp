#pragma once

#include <backend/sim_grace.hpp>

#include <cetane/base/clock.hpp>

#include <chrono>
#include <functional>
#include <string>
#include <utility>

namespace cetane::detail {

/// A writer that is told that there is no room, though there is: for a millisecond at most.
class sim_stall {
 public:
  bool on() const noexcept { return on_; }

  /// True if it begins now; `over` is called at its end.
  bool begins(sim_engine& engine, const std::string& who, std::function<void()> over) {
    if (!grace_.strikes(engine, fault_kind::storms)) return false;
    engine.meet(fault_kind::storms, "{} finds no room", who);
    on_ = true;
    const duration span = engine.faults.dice(fault_kind::storms).roll(duration::zero(), longest);
    engine.schedule.under_way(engine.now() + span, std::move(over));
    return true;
  }
  void end() noexcept { on_ = false; }

 private:
  static constexpr duration longest = std::chrono::milliseconds(1);

  sim_grace grace_;
  bool on_ = false;
};

}  // namespace cetane::detail
