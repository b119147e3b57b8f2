#include "backend/sim_ports.hpp"

#include <backend/sim_address.hpp>

#include <cerrno>
#include <utility>

namespace cetane::detail {

int sim_ports::take(address& where, bool shared) {
  if (where.port() == 0 && !where.is_unix() && !pick_port(where)) return -EADDRINUSE;
  const auto [begin, end] = taken_.equal_range(where.port());
  for (auto it = begin; it != end; ++it) {
    const auto& [address, is_shared] = it->second;
    if (sim_address::overlap(address, where) && !(shared && is_shared)) return -EADDRINUSE;
  }
  taken_.emplace(where.port(), std::pair(where, shared));
  return 0;
}

void sim_ports::give_back(const address& where) noexcept {
  const auto [begin, end] = taken_.equal_range(where.port());
  for (auto it = begin; it != end; ++it) {
    if (it->second.first == where) {
      taken_.erase(it);
      return;
    }
  }
}

// In turn, so that a port that was just given up is not met again at once.
bool sim_ports::pick_port(address& where) noexcept {
  for (int tries = first_free; tries <= last_free; ++tries) {
    const std::uint16_t port = next_;
    next_ = next_ == last_free ? first_free : static_cast<std::uint16_t>(next_ + 1);
    if (taken_.count(port) > 0) continue;
    where = where.with_port(port);
    return true;
  }
  return false;
}

}  // namespace cetane::detail
