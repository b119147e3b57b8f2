#pragma once

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
  void took(double seconds) noexcept { seconds_ += seconds; }

  std::uint64_t median_operations() const;
  std::uint64_t median_faults() const;

  /// One line: seeds, medians, seconds, and a number that stands for all that happened in all
  /// seeds.
  std::string line() const;

 private:
  std::uint64_t hash() const noexcept;

  std::string name_;
  std::vector<played_seed> seeds_;
  double seconds_ = 0;
};

}  // namespace cetane::test
