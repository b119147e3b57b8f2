#pragma once

#include <backend/sim_alarm.hpp>
#include <backend/sim_calls.hpp>
#include <backend/sim_engine.hpp>
#include <backend/sim_hosts.hpp>
#include <backend/sim_names.hpp>
#include <backend/sim_network.hpp>
#include <backend/sim_rests.hpp>
#include <backend/sim_task_log.hpp>
#include <backend/sim_turns.hpp>

#include <cetane/backend/sim.hpp>

#include <cstddef>
#include <cstdint>

namespace cetane::detail {

/// What all loops of a simulation have in common.
///
/// One of them drives it: while that one polls, the others take their turns, and when none has
/// anything to do, the clock moves.
struct sim_universe {
  explicit sim_universe(const sim_options& options)
      : engine(options), network(engine, hosts), names(engine, hosts), calls(engine, alarm) {}

  /// Nothing that is on its way takes longer than what leaves now.
  void release() { engine.schedule.hasten(engine.now() + engine.longest_latency()); }

  sim_engine engine;
  sim_task_log task_log{engine.trace};
  sim_hosts hosts;
  sim_network network;
  sim_names names;
  sim_turns turns;
  sim_rests rests;
  sim_alarm alarm;
  sim_calls calls;
  std::size_t external_calls = 0;  // other ones
  unsigned busy_polls = 0;         // since an answer was due first
  bool out_of_patience = false;    // with the external calls that run now
  std::uint64_t ways = 0;          // how often those of the network were changed
};

}  // namespace cetane::detail
