#include "backend/sim_hosts.hpp"

#include <backend/sim_address.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

#include <unistd.h>

namespace cetane::detail {

sim_host::sim_host(unsigned its_number, std::string its_name)
    : number(its_number),
      name_(std::move(its_name)),
      ipv4_(*address::parse_ip(fmt::format("10.0.0.{}", number), 0)),
      ipv6_(*address::parse_ip(fmt::format("fd00::{:x}", number), 0)) {
  credentials = {1, ::getuid(), ::getgid()};
}

sim_host& sim_hosts::add(std::string name) {
  if (!hosts_.empty()) {
    if (name.empty() || name == "localhost" || address::parse_ip(name, 0)) {
      throw std::invalid_argument(
          fmt::format("a simulated host is called \"{}\", which is no name of its own", name));
    }
    if (named(name) != nullptr)
      throw std::invalid_argument(fmt::format("there is a simulated host {} already", name));
  }
  if (hosts_.size() == most)
    throw std::length_error(fmt::format("a simulated network has {} hosts at most", most));
  const auto number = static_cast<unsigned>(hosts_.size() + 1);
  hosts_.push_back(std::make_unique<sim_host>(number, std::move(name)));
  return *hosts_.back();
}

sim_host* sim_hosts::named(std::string_view name) const noexcept {
  const auto found = std::find_if(hosts_.begin(), hosts_.end(),
                                  [&](const auto& one) { return one->name() == name; });
  return found == hosts_.end() ? nullptr : found->get();
}

sim_host* sim_hosts::owner(const address& to, sim_host& from) const noexcept {
  const bool local = to.is_unix() || sim_address::is_any(to) || sim_address::is_loopback(to);
  if (local || alone()) return &from;
  const auto found =
      std::find_if(hosts_.begin(), hosts_.end(), [&](const auto& one) { return one->has(to); });
  return found == hosts_.end() ? nullptr : found->get();
}

address sim_hosts::source_for(const address& to, const sim_host& from) const noexcept {
  if (alone() || sim_address::is_loopback(to)) return sim_address::source_for(to);
  return to.family() == address_family::ipv4 ? from.ipv4() : from.ipv6();
}

bool sim_hosts::serves(const address& listening, const address& to,
                       const sim_host& on) const noexcept {
  if (sim_address::serves(listening, to)) return true;
  return !alone() && on.has(to) && sim_address::is_loopback(listening) &&
         listening.family() == to.family() && listening.port() == to.port();
}

}  // namespace cetane::detail
