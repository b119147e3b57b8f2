/// Several machines on one simulated network, each with an event loop of its own.
#pragma once

#include <cetane/base/clock.hpp>
#include <cetane/base/config.hpp>
#include <cetane/os/address.hpp>
#include <cetane/os/peer_credentials.hpp>

#include <string>

namespace cetane {

/// A loop that takes turns with the one that drives a simulation, on the same thread.
class CETANE_API simulated_turns {
 public:
  /// When the loop has something to do by itself; a past time: at once. See event_loop::due().
  virtual time_point due() = 0;
  /// Runs one pass of it, which does not wait.
  virtual void take_turn() = 0;
  /// What its tasks wait for.
  virtual std::string dump_tasks() = 0;

 protected:
  simulated_turns() = default;
  ~simulated_turns() = default;
};

/// A machine on a simulated network, see simulation::add_host(). It is there as long as the
/// simulation.
class CETANE_API simulated_host {
 public:
  simulated_host(const simulated_host&) = delete;
  simulated_host& operator=(const simulated_host&) = delete;

  /// What it is called by the others.
  virtual const std::string& name() const noexcept = 0;
  /// Its address, 10.0.0.n; the port is 0.
  virtual const address& ipv4() const noexcept = 0;
  /// Its other one, fd00::n.
  virtual const address& ipv6() const noexcept = 0;

  /// Says who is at the other end of its Unix sockets: what connection::peer_credentials() gives
  /// from now on. Without it, process 1, with the user and the group that run the simulation.
  virtual void runs_as(const peer_credentials& who) noexcept = 0;

 protected:
  simulated_host() = default;
  ~simulated_host() = default;
};

}  // namespace cetane
