#include "backend/sim_accept_trouble.hpp"

#include <array>
#include <cerrno>
#include <chrono>
#include <utility>

namespace cetane::detail {
namespace {

using namespace std::chrono_literals;

constexpr std::array failures{EMFILE, ENFILE, ENOBUFS, ENOMEM, ECONNABORTED};
constexpr duration longest_shortage = 1s;
constexpr duration longest_storm = 1ms;

}  // namespace

int sim_accept_trouble::meet(sim_engine& engine, const address& where,
                             std::function<void()> come_back) {
  if (const int failed = meet_failure(engine, where); failed < 0) return failed;
  return meet_storm(engine, where, std::move(come_back));
}

// A shortage ends early when the network becomes a good one.
int sim_accept_trouble::meet_failure(sim_engine& engine, const address& where) {
  if (shortage_ != 0) {
    if (engine.now() < ends_ && engine.wants(fault_kind::failing_accepts)) return -shortage_;
    shortage_ = 0;
  }
  if (!failures_.strikes(engine, fault_kind::failing_accepts)) return 0;
  sim_dice& dice = engine.faults.dice(fault_kind::failing_accepts);
  const int error = failures[dice.roll(0, failures.size() - 1)];
  if (error != ECONNABORTED) {
    shortage_ = error;
    ends_ = engine.now() + dice.roll(duration::zero(), longest_shortage);
  }
  engine.meet(fault_kind::failing_accepts, "{} cannot accept ({})", where, error);
  return -error;
}

int sim_accept_trouble::meet_storm(sim_engine& engine, const address& where,
                                   std::function<void()> come_back) {
  if (!storms_.strikes(engine, fault_kind::storms)) return 0;
  sim_dice& dice = engine.faults.dice(fault_kind::storms);
  if (dice.chance(0.5)) {
    engine.meet(fault_kind::storms, "{} is interrupted", where);
    return -EINTR;
  }
  engine.meet(fault_kind::storms, "{} finds nobody to accept", where);
  engine.schedule.at(engine.now() + dice.roll(duration::zero(), longest_storm),
                     std::move(come_back));
  return -EAGAIN;
}

}  // namespace cetane::detail
