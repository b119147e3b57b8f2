#pragma once

#include <cetane/base/clock.hpp>
#include <cetane/base/config.hpp>
#include <cetane/os/address.hpp>

#include <string>
#include <vector>

namespace cetane {

/// The name server of a simulated network, see simulation::names().
///
/// It knows the names of the hosts and those that it is told. While nobody has told it any and
/// there are no hosts, every name is 127.0.0.1. A loop remembers what it was told for 60 s, as one
/// does on a real network; "localhost" is known to each and never fails.
class CETANE_API simulated_names {
 public:
  /// Gives a name these addresses, in this order; none: nobody has the name. It goes before a
  /// host's.
  virtual void set(std::string name, std::vector<address> addresses) = 0;

  /// How long an answer takes, drawn anew for each question. Throws std::invalid_argument for a
  /// range that is upside down or beyond an hour.
  virtual void take(any_duration shortest, any_duration longest) = 0;

  /// How many of the questions meet a server that fails for the moment (EAI_AGAIN), from 0 to 1.
  /// Throws std::invalid_argument beyond that.
  virtual void fail(double share) = 0;

  /// Lets every question for this name fail for the moment, until heal().
  virtual void fail(std::string name) = 0;

  /// From now on nothing fails and answers come at once. Names stay as they are.
  virtual void heal() noexcept = 0;

 protected:
  simulated_names() = default;
  ~simulated_names() = default;
};

}  // namespace cetane
