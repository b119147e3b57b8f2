#include <testing/nothing_left.hpp>

#include <cetane/backend/sim.hpp>
#include <cetane/testing/world.hpp>

#include <fmt/format.h>

#include <cstddef>

namespace cetane::testing {

void check_nothing_left(world& w) {
  const std::size_t timers = w.loop().stats().timers_live;
  const std::size_t descriptors = simulation::of(w.loop()).open_descriptors();
  if (timers == 0 && descriptors == 0) return;
  throw unfinished(
      fmt::format("the scenario is over and has left {} timers and {} simulated descriptors behind",
                  timers, descriptors));
}

}  // namespace cetane::testing
