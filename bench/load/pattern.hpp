#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <random>
#include <string_view>
#include <vector>

namespace load {

/// The bytes of a stream by their place in it: whatever is lost, doubled or swapped shows as a
/// difference. The period is a prime, so that neither messages nor buffers of any usual size fall
/// into step with it.
class pattern {
 public:
  static constexpr std::size_t period = 65521;
  static constexpr std::size_t longest_slice = 65536;

  pattern() : bytes_(period + longest_slice) {
    std::mt19937_64 random(20011);
    for (std::size_t i = 0; i < period; ++i) bytes_[i] = static_cast<char>(random());
    for (std::size_t i = period; i < bytes_.size(); ++i) bytes_[i] = bytes_[i - period];
  }

  /// Gives the bytes from `place` on: `size` of them, or `longest_slice` if that is less.
  std::string_view slice(std::uint64_t place, std::uint64_t size) const {
    return {bytes_.data() + place % period,
            static_cast<std::size_t>(std::min<std::uint64_t>(size, longest_slice))};
  }

  /// Counts how many of `received`, which begin at `place`, differ from what they should be.
  std::uint64_t count_wrong(std::uint64_t place, std::string_view received) const {
    std::uint64_t wrong = 0;
    while (!received.empty()) {
      const std::string_view expected = slice(place, received.size());
      if (std::memcmp(expected.data(), received.data(), expected.size()) != 0) {
        for (std::size_t i = 0; i < expected.size(); ++i) wrong += expected[i] != received[i];
      }
      place += expected.size();
      received.remove_prefix(expected.size());
    }
    return wrong;
  }

 private:
  std::vector<char> bytes_;
};

}  // namespace load
