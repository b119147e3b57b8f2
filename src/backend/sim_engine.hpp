#pragma once

#include <backend/sim_dice.hpp>
#include <backend/sim_faults.hpp>
#include <backend/sim_host.hpp>
#include <backend/sim_schedule.hpp>
#include <backend/sim_socket.hpp>
#include <backend/sim_trace.hpp>

#include <cetane/backend/sim.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

namespace cetane::detail {

/// What drives a simulation: clock, plans, dice and trace.
class sim_engine {
 public:
  explicit sim_engine(const sim_options& chosen)
      : options(chosen),
        trace(chosen.log_limit()),
        schedule(simulation_start),
        choices(chosen.seed(), "choices", trace),
        faults(chosen.seed(), trace),
        latency_(chosen.seed(), "latency", trace),
        segments_(chosen.seed(), "segments", trace) {}

  time_point now() const noexcept { return schedule.now(); }

  template <class... Args>
  void note(fmt::format_string<Args...> format, Args&&... args) {
    trace.note(now(), format, std::forward<Args>(args)...);
  }

  bool allows(fault_kind kind) const noexcept { return options.allows(kind, now()); }
  /// True if faults of a kind that has a share may strike now.
  bool wants(fault_kind kind) const noexcept { return options.share(kind) > 0 && allows(kind); }

  /// Rolls the dice of a kind that has a share. Also where it may not strike now: so a narrower
  /// window does not change what is drawn within.
  bool strikes(fault_kind kind) noexcept {
    const double share = options.share(kind);
    return share > 0 && faults.dice(kind).chance(share) && allows(kind);
  }

  /// Counts a fault that has struck, and says what it did.
  template <class... Args>
  void meet(fault_kind kind, fmt::format_string<Args...> format, Args&&... args) {
    faults.count(kind);
    note("{}: {}", name_of(kind), fmt::format(format, std::forward<Args>(args)...));
  }

  duration draw_latency() noexcept {
    const sim_options& ways = allows(fault_kind::latency) ? options : good_;
    return latency_.roll(ways.shortest_latency(), ways.longest_latency());
  }
  duration longest_latency() const noexcept {
    return (allows(fault_kind::latency) ? options : good_).longest_latency();
  }
  std::size_t draw_segment() noexcept {
    const sim_options& ways = allows(fault_kind::split_reads) ? options : good_;
    return segments_.roll(ways.shortest_segment(), ways.longest_segment());
  }
  /// True if what is sent, or read, is cut into pieces.
  bool splits() const noexcept {
    return allows(fault_kind::split_reads) && options.longest_segment() < good_.longest_segment();
  }
  std::size_t bandwidth() const noexcept {
    return allows(fault_kind::bandwidth) ? options.bandwidth() : good_.bandwidth();
  }
  bool has_small_buffers() const noexcept {
    return allows(fault_kind::buffers) && options.capacity() < good_.capacity();
  }
  std::size_t capacity() const noexcept {
    return allows(fault_kind::buffers) ? options.capacity() : good_.capacity();
  }

  /// Puts a list into any order: true if it is another one.
  template <class List>
  bool shuffle(List& list) {
    bool moved = false;
    for (std::size_t left = list.size(); left > 1; --left) {
      const std::size_t drawn = faults.dice(fault_kind::shuffled_turns).roll(0, left - 1);
      if (drawn == left - 1) continue;
      std::swap(list[drawn], list[left - 1]);
      moved = true;
    }
    return moved;
  }

  /// Something happened to `socket`: its host hears of it in this poll, or in the next one.
  void mark(std::shared_ptr<sim_socket> socket) {
    sim_host& host = *socket->host;
    host.mark(std::move(socket));
  }

  sim_options options;
  sim_trace trace;
  sim_schedule schedule;
  sim_dice choices;
  sim_faults faults;
  std::uint64_t io_operations = 0;

 private:
  const sim_options good_;
  sim_dice latency_;
  sim_dice segments_;
};

}  // namespace cetane::detail
