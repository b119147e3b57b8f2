#include <cetane/backend/sim.hpp>

namespace cetane {
namespace {

void require(bool holds, const char* remedy) {
  if (!holds) throw std::invalid_argument(remedy);
}

}  // namespace

sim_options& sim_options::set_seed(std::uint64_t seed) {
  seed_ = seed;
  return *this;
}

sim_options& sim_options::set_latency(any_duration shortest, any_duration longest) {
  require(duration::zero() <= shortest && shortest <= longest && longest <= std::chrono::hours(24),
          "a simulated latency lies between 0 and 24 h, the shortest first");
  shortest_latency_ = shortest;
  longest_latency_ = longest;
  return *this;
}

sim_options& sim_options::set_capacity(std::size_t bytes) {
  require(bytes > 0, "a simulated connection needs a capacity of at least 1 byte");
  capacity_ = bytes;
  return *this;
}

sim_options& sim_options::set_segment(std::size_t shortest_bytes, std::size_t longest_bytes) {
  require(0 < shortest_bytes && shortest_bytes <= longest_bytes,
          "a simulated segment has at least 1 byte, the shortest first");
  shortest_segment_ = shortest_bytes;
  longest_segment_ = longest_bytes;
  return *this;
}

sim_options& sim_options::set_log_limit(std::size_t lines) {
  log_limit_ = lines;
  return *this;
}

sim_options& sim_options::set_patience(any_duration real) {
  require(real >= duration::zero(), "the patience of a simulation is not negative");
  patience_ = real;
  return *this;
}

simulation_stuck::~simulation_stuck() = default;

}  // namespace cetane
