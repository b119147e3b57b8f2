#pragma once

#include <array>
#include <bit>
#include <cstdint>

namespace load {

/// Counts durations in buckets that are at most 0.4 % wide, so that two medians can be compared to
/// a hundredth.
class latency_histogram {
 public:
  void add(std::uint64_t nanoseconds) {
    ++counts_[bucket_of(nanoseconds)];
    ++total_;
  }

  void clear() {
    counts_.fill(0);
    total_ = 0;
  }

  /// Gives the duration that `share` of all durations do not exceed, in nanoseconds; 0 when there
  /// are none.
  std::uint64_t quantile(double share) const {
    const auto wanted = static_cast<std::uint64_t>(static_cast<double>(total_) * share);
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      seen += counts_[i];
      if (counts_[i] != 0 && seen > wanted) return start_of(i);
    }
    return 0;
  }

 private:
  static constexpr unsigned fine_bits = 8;  // 256 buckets for each doubling
  static constexpr std::size_t bucket_count = (64 - fine_bits + 1) << fine_bits;

  static std::size_t bucket_of(std::uint64_t value) {
    const unsigned width = static_cast<unsigned>(std::bit_width(value));
    const unsigned shift = width > fine_bits + 1 ? width - fine_bits - 1 : 0;
    return (std::size_t{shift} << fine_bits) + static_cast<std::size_t>(value >> shift);
  }

  static std::uint64_t start_of(std::size_t bucket) {
    if (bucket < (2u << fine_bits)) return bucket;
    const std::size_t shift = (bucket >> fine_bits) - 1;
    return std::uint64_t{bucket - (shift << fine_bits)} << shift;
  }

  std::array<std::uint64_t, bucket_count> counts_{};
  std::uint64_t total_ = 0;
};

}  // namespace load
