#pragma once

#include <cetane/os/address.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>

namespace cetane::detail {

/// IP addresses to which the system can send from a socket, as far as is known: one has come from
/// there, or one has been sent there. It forgets some when there are many.
class reached_places {
 public:
  void add(const address& place) noexcept {
    if (!known_ && !make()) return;
    const key words = place.ip_words();
    row& those = (*known_)[row_of(words)];
    if (find(those, words) != nullptr) return;
    std::copy_backward(those.begin(), those.end() - 1, those.end());
    those.front() = words;
  }

  void forget(const address& place) noexcept {
    if (!known_) return;
    const key words = place.ip_words();
    if (key* const known = find((*known_)[row_of(words)], words)) *known = key();
  }

  bool knows(const address& place) const noexcept {
    if (!known_) return false;
    const key words = place.ip_words();
    return words[0] != 0 && find((*known_)[row_of(words)], words) != nullptr;
  }

 private:
  using key = std::array<std::uint64_t, 3>;  // all zero: no address
  using row = std::array<key, 4>;            // whose addresses fall together, the latest first
  static constexpr unsigned row_bits = 7;
  using table = std::array<row, std::size_t{1} << row_bits>;

  static std::size_t row_of(const key& words) noexcept {
    constexpr std::uint64_t factor = 0x9E3779B97F4A7C15U;
    const std::uint64_t folded = words[0] ^ words[1] ^ words[2] << 7;
    return static_cast<std::size_t>(folded * factor >> (64 - row_bits));
  }

  static key* find(row& in, const key& words) noexcept {
    for (key& each : in) {
      if (is_same(each, words)) return &each;
    }
    return nullptr;
  }

  // Without a call, which the comparison of two arrays is.
  static bool is_same(const key& a, const key& b) noexcept {
    return ((a[0] ^ b[0]) | (a[1] ^ b[1]) | (a[2] ^ b[2])) == 0;
  }

  bool make() noexcept {
    known_.reset(new (std::nothrow) table());
    return known_ != nullptr;
  }

  std::unique_ptr<table> known_;
};

}  // namespace cetane::detail
