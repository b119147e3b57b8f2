#pragma once

#include <backend/sim_host.hpp>

#include <cetane/base/clock.hpp>
#include <cetane/os/address.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace cetane::detail {

/// How long a machine asks its neighbours for an address that none of them has.
inline constexpr duration neighbour_patience = std::chrono::seconds(3);

/// The machines on a simulated network, and whose address is whose.
///
/// A machine that is alone has every address there is: a test that asks for no others need not care
/// for them. With the second one each has its own, and those of the loopback.
class sim_hosts {
 public:
  sim_hosts() { add("").up = true; }

  /// The one on which the simulation's own loop is.
  sim_host& first() noexcept { return *hosts_.front(); }
  bool alone() const noexcept { return hosts_.size() == 1; }

  /// @throws std::invalid_argument  There is such a name, or it is none.
  /// @throws std::length_error      There are as many as there are addresses.
  sim_host& add(std::string name);

  template <class Visit>
  void for_each(Visit&& visit) const {
    for (const auto& one : hosts_) visit(*one);
  }

  /// Null when no machine has the name.
  sim_host* named(std::string_view name) const noexcept;

  /// Whose address `to` is for programs on `from`; null when nobody has it.
  sim_host* owner(const address& to, sim_host& from) const noexcept;

  /// Where a socket of `from` that connects to `to` comes from, unless it says. The port is 0.
  address source_for(const address& to, const sim_host& from) const noexcept;

  /// True if a listener at `listening` on `on` serves those who connect to `to`.
  ///
  /// Who listens at a loopback address can be reached from elsewhere: services do so that say
  /// nothing, and a test is seldom about that.
  bool serves(const address& listening, const address& to, const sim_host& on) const noexcept;

 private:
  static constexpr unsigned most = 254;

  std::vector<std::unique_ptr<sim_host>> hosts_;
};

}  // namespace cetane::detail
