#pragma once

#include <backend/sim_engine.hpp>

namespace cetane::detail {

/// Sees to it that a fault does not strike the same place twice in a row: so even what always
/// strikes lets everything go on.
class sim_grace {
 public:
  bool strikes(sim_engine& engine, fault_kind kind) noexcept {
    if (spared_) {
      spared_ = false;
      return false;
    }
    return spared_ = engine.strikes(kind);
  }

 private:
  bool spared_ = false;
};

}  // namespace cetane::detail
