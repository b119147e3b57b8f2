#pragma once

#include <cetane/base/clock.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace cetane::test {

/// What one seed of a scenario came to.
struct played_seed {
  std::uint64_t operations;
  std::uint64_t faults;
  std::uint64_t hash;
};

/// What the seeds of one scenario came to.
class scenario_tally {
 public:
  explicit scenario_tally(std::string_view name) : name_(name) {}

  void add(const played_seed& seed) { seeds_.push_back(seed); }
  void took(duration real) noexcept { took_ += real; }

  std::uint64_t median_operations() const;
  std::uint64_t median_faults() const;

  /// One line: seeds, medians, seconds, and a number that stands for all that happened in all
  /// seeds.
  std::string line() const;

 private:
  std::uint64_t hash() const noexcept;

  std::string name_;
  std::vector<played_seed> seeds_;
  duration took_{};
};

}  // namespace cetane::test
