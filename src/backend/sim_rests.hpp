#pragma once

#include <cetane/backend/sim_rest.hpp>
#include <cetane/base/clock.hpp>
#include <cetane/base/intrusive_list.hpp>

namespace cetane::detail {

/// Who waits for the end of all that happens up to some time; first come, first served.
class sim_rests {
 public:
  void add(simulated_rest& one) noexcept { waiting_.push_back(one); }

  time_point next() noexcept {
    simulated_rest* const one = first();
    return one == nullptr ? never : one->at;
  }

  /// Wakes one whose time has come: what it does next comes before the others' turn.
  bool wake_first(time_point now) noexcept {
    simulated_rest* const one = first();
    if (one == nullptr || one->at > now) return false;
    one->unlink();
    one->on_rest();
    return true;
  }

 private:
  simulated_rest* first() noexcept {
    simulated_rest* found = nullptr;
    for (simulated_rest& each : waiting_) {
      if (found == nullptr || each.at < found->at) found = &each;
    }
    return found;
  }

  intrusive_list<simulated_rest> waiting_;
};

}  // namespace cetane::detail
