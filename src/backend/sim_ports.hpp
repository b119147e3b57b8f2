#pragma once

#include <cetane/os/address.hpp>

#include <cstdint>
#include <map>

namespace cetane::detail {

/// The local addresses that are taken.
class sim_ports {
 public:
  /// Takes `where`; for port 0 picks a port that nobody has, and writes it in.
  ///
  /// @param shared  Others may take it too, if all of them share.
  /// @return 0, or -EADDRINUSE.
  int take(address& where, bool shared);
  void give_back(const address& where) noexcept;

 private:
  static constexpr std::uint16_t first_free = 40000;
  static constexpr std::uint16_t last_free = 60999;

  bool pick_port(address& where) noexcept;

  std::multimap<std::uint16_t, std::pair<address, bool>> taken_;  // with: is it shared
  std::uint16_t next_ = first_free;
};

}  // namespace cetane::detail
