#include <scenarios/tally.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace cetane::test {
namespace {

std::uint64_t median(std::vector<std::uint64_t> numbers) {
  if (numbers.empty()) return 0;
  const auto middle = numbers.begin() + static_cast<std::ptrdiff_t>(numbers.size() / 2);
  std::nth_element(numbers.begin(), middle, numbers.end());
  return *middle;
}

template <class Figure>
std::uint64_t median_of(const std::vector<played_seed>& seeds, Figure figure) {
  std::vector<std::uint64_t> numbers;
  numbers.reserve(seeds.size());
  for (const played_seed& each : seeds) numbers.push_back(each.*figure);
  return median(std::move(numbers));
}

}  // namespace

std::uint64_t scenario_tally::median_operations() const {
  return median_of(seeds_, &played_seed::operations);
}

std::uint64_t scenario_tally::median_faults() const {
  return median_of(seeds_, &played_seed::faults);
}

std::uint64_t scenario_tally::hash() const noexcept {
  std::uint64_t all = 0xCBF29CE484222325U;
  for (const played_seed& each : seeds_) {
    all = (all ^ each.hash) * 0x9E3779B97F4A7C15U;
    all ^= all >> 32U;
  }
  return all;
}

std::string scenario_tally::line() const {
  return fmt::format(
      "{:<20} {:>6} seeds, median {:>5} I/O operations and {:>4} faults, {:6.2f} s, hash {:016x}",
      name_, seeds_.size(), median_operations(), median_faults(), seconds_, hash());
}

}  // namespace cetane::test
