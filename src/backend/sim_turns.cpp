#include "backend/sim_turns.hpp"

#include <base/spared_memory.hpp>

#include <algorithm>
#include <cstddef>

namespace cetane::detail {

// One that came while another had its turn stands behind it.
void sim_turns::add(simulated_turns& loop, const sim_delivery& news) {
  all_.push_back({&loop, &news});
}

void sim_turns::remove(const simulated_turns& loop) noexcept {
  for (participant& each : all_) {
    if (each.loop == &loop) each.loop = nullptr;
  }
}

time_point sim_turns::participant::due() const {
  if (loop == nullptr) return never;
  return fresh || news->pending() ? time_point::min() : loop->due();
}

time_point sim_turns::due() const {
  time_point first = never;
  for (const participant& each : all_) first = std::min(first, each.due());
  return first;
}

void sim_turns::take(sim_engine& engine) {
  std::erase_if(all_, [](const participant& each) { return each.loop == nullptr; });
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < all_.size(); ++i) {
    if (all_[i].due() <= engine.now()) order.push_back(i);
  }
  if (engine.wants(fault_kind::shuffled_turns) && engine.shuffle(order))
    engine.meet(fault_kind::shuffled_turns, "{} hosts", order.size());
  for (const std::size_t i : order) {
    if (all_[i].loop == nullptr) continue;  // another's turn was its end
    all_[i].fresh = false;
    const demanded_memory program;
    all_[i].loop->take_turn();
  }
}

std::string sim_turns::dump_tasks() const {
  std::string text;
  for (const participant& each : all_) {
    if (each.loop != nullptr) text += each.loop->dump_tasks();
  }
  return text;
}

}  // namespace cetane::detail
