#pragma once

#include <cetane/base/clock.hpp>
#include <cetane/base/config.hpp>
#include <cetane/base/intrusive_list.hpp>

namespace cetane {

/// Who waits until everything that a simulation does up to some time has happened: see
/// simulation::rest().
class CETANE_API simulated_rest : public list_hook<> {
 public:
  /// The clock shows that time, and nothing is left to do before it goes on.
  virtual void on_rest() noexcept = 0;

  time_point at{};

 protected:
  simulated_rest() = default;
  ~simulated_rest() = default;
};

}  // namespace cetane
