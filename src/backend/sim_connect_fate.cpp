#include "backend/sim_connect_fate.hpp"

#include <cerrno>
#include <chrono>

namespace cetane::detail {
namespace {

using namespace std::chrono_literals;

constexpr duration system_gives_up = 127s;  // tcp_syn_retries is 6: 1 + 2 + 4 + ... + 64 s
constexpr duration nobody_answers = 3s;     // three questions for the neighbour's address

}  // namespace

// All dice are rolled, whichever strikes first.
std::optional<sim_connect_fate> draw_connect_fate(sim_engine& engine, const std::string& client) {
  const bool refused = engine.strikes(fault_kind::refused_connects);
  const bool timed_out = engine.strikes(fault_kind::timed_out_connects);
  const bool lost = engine.strikes(fault_kind::lost_connects);
  const bool unreachable = engine.strikes(fault_kind::unreachable_connects);
  if (refused) {
    engine.meet(fault_kind::refused_connects, "{} will be refused", client);
    const duration there = engine.draw_latency();
    return sim_connect_fate{ECONNREFUSED, there + engine.draw_latency()};
  }
  if (timed_out) {
    engine.meet(fault_kind::timed_out_connects, "{} will time out", client);
    return sim_connect_fate{ETIMEDOUT, system_gives_up};
  }
  if (lost) {
    engine.meet(fault_kind::lost_connects, "{} is lost", client);
    return sim_connect_fate{};
  }
  if (unreachable) {
    engine.meet(fault_kind::unreachable_connects, "{} will find no way", client);
    return sim_connect_fate{EHOSTUNREACH, nobody_answers};
  }
  return std::nullopt;
}

}  // namespace cetane::detail
