#pragma once

#include <cetane/os/address.hpp>

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
    key& slot = (*known_)[slot_of(words)];
    if (!is_same(slot, words)) slot = words;
  }

  void forget(const address& place) noexcept {
    if (knows(place)) (*known_)[slot_of(place.ip_words())] = key();
  }

  bool knows(const address& place) const noexcept {
    if (!known_) return false;
    const key words = place.ip_words();
    return words[0] != 0 && is_same((*known_)[slot_of(words)], words);
  }

 private:
  using key = std::array<std::uint64_t, 3>;  // all zero: no address
  static constexpr unsigned slot_bits = 9;
  using table = std::array<key, std::size_t{1} << slot_bits>;

  static std::size_t slot_of(const key& words) noexcept {
    constexpr std::uint64_t factor = 0x9E3779B97F4A7C15U;
    const std::uint64_t folded = words[0] ^ words[1] ^ words[2] << 7;
    return static_cast<std::size_t>(folded * factor >> (64 - slot_bits));
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
