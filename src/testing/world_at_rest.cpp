// Time travel, and what a test may say of a world that has come to rest.
#include <cetane/testing/world.hpp>

#include <testing/machine.hpp>

#include <cetane/backend/sim.hpp>

#include <fmt/format.h>

#include <ostream>
#include <utility>

namespace cetane::testing {

advance_op world::advance(any_duration span) { return advance_op(simulation::of(loop_), span); }

quietness world::quiet() {
  std::string noise;
  const auto note = [&](std::string text) {
    if (!noise.empty()) noise += ", ";
    noise += text;
  };
  const auto look_at = [&](const event_loop& loop, const std::string& where) {
    if (loop.due() == time_point::min()) note("tasks are ready" + where);
  };
  look_at(loop_, "");
  for (const auto& each : hosts_) {
    if (const event_loop* const loop = each->machine_->loop_if_up())
      look_at(*loop, " on the host " + each->name());
  }
  if (const std::size_t count = simulation::of(loop_).under_way(); count > 0)
    note(fmt::format("{} things are on their way", count));
  return quietness(std::move(noise));
}

std::size_t world::live_tasks() const noexcept {
  return stats_of_all().tasks_alive - (body_runs_ ? 1 : 0);
}

std::size_t world::open_descriptors() { return simulation::of(loop_).open_descriptors(); }

std::size_t world::bytes_in_flight() {
  const loop_stats stats = stats_of_all();
  return stats.bytes_queued - stats.bytes_sent - stats.bytes_dropped +
         simulation::of(loop_).bytes_in_flight();
}

std::ostream& operator<<(std::ostream& out, const quietness& what) {
  return out << (what ? "quiet" : what.noise());
}

}  // namespace cetane::testing
