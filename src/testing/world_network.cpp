// What a test does to the network of its world, and to the names on it.
#include <cetane/testing/world.hpp>

#include <testing/machine.hpp>

#include <cetane/backend/sim.hpp>
#include <cetane/backend/sim_names.hpp>

#include <fmt/format.h>

#include <optional>
#include <stdexcept>
#include <utility>

namespace cetane::testing {

void world::set_apart(testing::host& one, testing::host& other, duration how_long) {
  simulation& network = simulation::of(loop_);
  network.cut(one.machine_->at(), other.machine_->at(), how_long);
  network.cut(other.machine_->at(), one.machine_->at(), how_long);
}

void world::partition(testing::host& one, testing::host& other) {
  set_apart(one, other, duration::max());
}

void world::partition(testing::host& one, testing::host& other, any_duration shortest,
                      any_duration longest) {
  if (duration(shortest) < duration::zero() || duration(longest) < duration(shortest))
    throw std::invalid_argument("a partition lasts some time, the shortest first");
  set_apart(one, other, partitions_.uniform(duration(shortest), duration(longest)));
}

void world::partition(testing::host& from_all) {
  simulation& network = simulation::of(loop_);
  network.cut(from_all.machine_->at(), network.own_host());
  network.cut(network.own_host(), from_all.machine_->at());
  for (const auto& each : hosts_) set_apart(from_all, *each, duration::max());
}

void world::partition_one_way(testing::host& from, testing::host& to) {
  simulation::of(loop_).cut(from.machine_->at(), to.machine_->at());
}

void world::reconnect(testing::host& one, testing::host& other) {
  simulation& network = simulation::of(loop_);
  network.mend(one.machine_->at(), other.machine_->at());
  network.mend(other.machine_->at(), one.machine_->at());
}

void world::reconnect(testing::host& with_all) {
  simulation& network = simulation::of(loop_);
  network.mend(with_all.machine_->at(), network.own_host());
  network.mend(network.own_host(), with_all.machine_->at());
  for (const auto& each : hosts_) reconnect(with_all, *each);
}

void world::blocking_calls_take(any_duration shortest, any_duration longest) {
  simulation::of(loop_).calls_take(shortest, longest);
}

void world::names_take(any_duration shortest, any_duration longest) {
  simulation::of(loop_).names().take(shortest, longest);
}

void world::names_fail(double share) { simulation::of(loop_).names().fail(share); }

void world::names_fail(const std::string& name) { simulation::of(loop_).names().fail(name); }

void world::name_is(const std::string& name, const std::vector<std::string>& ips) {
  std::vector<address> addresses;
  for (const std::string& ip : ips) {
    const std::optional<address> each = address::parse_ip(ip, 0);
    if (!each) throw std::invalid_argument(fmt::format("{} is no IP address", ip));
    addresses.push_back(*each);
  }
  simulation::of(loop_).names().set(name, std::move(addresses));
}

}  // namespace cetane::testing
