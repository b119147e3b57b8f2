#pragma once

#include <backend/sim_dice.hpp>

#include <cetane/backend/fault_kind.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <utility>

namespace cetane::detail {

/// For each kind of fault its dice, and how often it was met.
class sim_faults {
 public:
  sim_faults(std::uint64_t seed, sim_trace& trace) noexcept
      : sim_faults(seed, trace, std::make_index_sequence<every_fault_kind.size()>()) {}

  sim_dice& dice(fault_kind kind) noexcept { return dice_[static_cast<std::size_t>(kind)]; }

  void count(fault_kind kind) noexcept { ++met_[static_cast<std::size_t>(kind)]; }
  std::uint64_t met(fault_kind kind) const noexcept { return met_[static_cast<std::size_t>(kind)]; }
  std::uint64_t met() const noexcept {
    return std::accumulate(met_.begin(), met_.end(), std::uint64_t{0});
  }

 private:
  template <std::size_t... Index>
  sim_faults(std::uint64_t seed, sim_trace& trace, std::index_sequence<Index...>) noexcept
      : dice_{sim_dice(seed, name_of(every_fault_kind[Index]), trace)...} {}

  std::array<sim_dice, every_fault_kind.size()> dice_;
  std::array<std::uint64_t, every_fault_kind.size()> met_{};
};

}  // namespace cetane::detail
