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

sim_options& sim_options::set_bandwidth(std::size_t bytes_per_second) {
  require(bytes_per_second > 0, "a simulated bandwidth is at least 1 byte a second");
  bandwidth_ = bytes_per_second;
  return *this;
}

sim_options& sim_options::set_share(fault_kind kind, double share) {
  require(0 <= share && share <= 1, "the share of a fault lies between 0, never, and 1, always");
  shares_[static_cast<std::size_t>(kind)] = share;
  return *this;
}

sim_options& sim_options::leave_out(fault_kind kind) noexcept {
  left_out_[static_cast<std::size_t>(kind)] = true;
  return *this;
}

sim_options& sim_options::set_window(any_duration from, any_duration until) {
  require(duration::zero() <= from && from <= until,
          "the window of faults begins at 0 or later, and ends after that");
  from_ = from;
  until_ = until;
  return *this;
}

bool sim_options::allows(fault_kind kind, time_point now) const noexcept {
  if (left_out_[static_cast<std::size_t>(kind)]) return false;
  const duration since_start = now - simulation_start;
  return from_ <= since_start && since_start < until_;
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
