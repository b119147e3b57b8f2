#pragma once

#include <backend/sim_delivery.hpp>
#include <backend/sim_engine.hpp>

#include <cetane/backend/sim.hpp>
#include <cetane/base/clock.hpp>

#include <string>
#include <vector>

namespace cetane::detail {

/// The loops that take turns with the one that drives a simulation, in the order in which they
/// came.
///
/// One may come or go while another has its turn.
class sim_turns {
 public:
  void add(simulated_turns& loop, const sim_delivery& news);
  void remove(const simulated_turns& loop) noexcept;

  /// When one of them wants a turn; a past time: at once.
  time_point due() const;

  /// Gives a turn to each that wants one now: in the order in which they came, or in any order
  /// where turns are shuffled.
  void take(sim_engine& engine);

  /// What the tasks of all of them wait for.
  std::string dump_tasks() const;

 private:
  struct participant {
    simulated_turns* loop;
    const sim_delivery* news;  // from the network
    bool fresh = true;         // it has had no turn yet

    time_point due() const;
  };

  std::vector<participant> all_;
};

}  // namespace cetane::detail
