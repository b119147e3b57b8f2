#pragma once

#include <cetane/backend/sim.hpp>
#include <cetane/base/clock.hpp>
#include <cetane/base/config.hpp>

#include <cstddef>

namespace cetane::testing {

/// What a simulated network does to those who talk over it: `faults().latency(0ms,
/// 200ms).split_reads()`. What is not named stays as a good small network has it.
///
/// Each word throws std::invalid_argument for a range that is upside down or out of bounds.
class CETANE_API faults {
 public:
  /// How long everything travels: each piece draws anew, but none overtakes another of the same
  /// direction.
  faults& latency(any_duration shortest, any_duration longest);

  /// Lets what one end sends arrive in pieces of 1 to `most_bytes` bytes, so that a read may end
  /// anywhere.
  faults& split_reads(std::size_t most_bytes = 8);

  /// How much each end buffers for sending, and as much again for receiving: with little, `send`
  /// soon waits. Counts for connections made from then on.
  faults& buffers(std::size_t bytes);

 private:
  friend class world;

  sim_options ways_;
};

}  // namespace cetane::testing
