/// The simulated network: a virtual clock and streams in memory, the same again from a seed.
#pragma once

#include <cetane/backend/fault_kind.hpp>
#include <cetane/base/clock.hpp>
#include <cetane/base/config.hpp>
#include <cetane/base/literals.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>

namespace cetane {

class event_loop;
class simulated_host;
class simulated_names;
class simulated_rest;
class simulated_turns;

namespace detail {
class backend;
}

/// How a simulated network behaves. The defaults are a good small network: little delay, buffers
/// that fill up, nothing cut.
///
/// Each setter throws std::invalid_argument for a range that is upside down or out of bounds.
class CETANE_API sim_options {
 public:
  static constexpr std::size_t unlimited_bandwidth = ~std::size_t{0};

  sim_options() = default;
  explicit sim_options(std::uint64_t seed) : seed_(seed) {}

  /// All that is random is drawn from this number.
  sim_options& set_seed(std::uint64_t seed);
  /// How long everything travels from one end to the other: each piece draws anew, but none
  /// overtakes another of the same direction.
  sim_options& set_latency(any_duration shortest, any_duration longest);
  /// How much each end of a connection buffers for sending, and as much again for receiving.
  sim_options& set_capacity(std::size_t bytes);
  /// The bytes of one write travel in pieces of a size between these.
  sim_options& set_segment(std::size_t shortest_bytes, std::size_t longest_bytes);
  /// How fast the bytes of one direction of a connection travel, one behind the other.
  sim_options& set_bandwidth(std::size_t bytes_per_second);
  /// How often a fault of this kind strikes where it can: from 0, never, to 1, always. The kinds
  /// that have a setter of their own above have no share.
  sim_options& set_share(fault_kind kind, double share);
  /// Leaves a kind of fault out, whatever was or will be set.
  sim_options& leave_out(fault_kind kind) noexcept;
  /// The time in which faults of all kinds strike, from simulation_start. Before and after it the
  /// network is a good one.
  sim_options& set_window(any_duration from, any_duration until);
  /// How many lines of the event log are kept; the oldest go first.
  sim_options& set_log_limit(std::size_t lines);
  /// How long, in real time, virtual time stands still for a call on another thread; after that it
  /// goes on without waiting for the call.
  sim_options& set_patience(any_duration real);

  std::uint64_t seed() const noexcept { return seed_; }
  duration shortest_latency() const noexcept { return shortest_latency_; }
  duration longest_latency() const noexcept { return longest_latency_; }
  std::size_t capacity() const noexcept { return capacity_; }
  std::size_t shortest_segment() const noexcept { return shortest_segment_; }
  std::size_t longest_segment() const noexcept { return longest_segment_; }
  std::size_t bandwidth() const noexcept { return bandwidth_; }
  double share(fault_kind kind) const noexcept { return shares_[static_cast<std::size_t>(kind)]; }
  /// True if nobody has left it out, and `now` is within the window.
  bool allows(fault_kind kind, time_point now) const noexcept;
  duration window_begin() const noexcept { return from_; }
  duration window_end() const noexcept { return until_; }
  std::size_t log_limit() const noexcept { return log_limit_; }
  duration patience() const noexcept { return patience_; }

 private:
  std::uint64_t seed_ = 1;
  duration shortest_latency_ = std::chrono::microseconds(50);
  duration longest_latency_ = std::chrono::microseconds(500);
  std::size_t capacity_ = 64_KiB;
  std::size_t shortest_segment_ = 64_KiB;
  std::size_t longest_segment_ = 64_KiB;
  std::size_t bandwidth_ = unlimited_bandwidth;
  std::array<double, every_fault_kind.size()> shares_{};
  std::array<bool, every_fault_kind.size()> left_out_{};
  duration from_ = duration::zero();
  duration until_ = duration::max();
  std::size_t log_limit_ = 1000;
  duration patience_ = std::chrono::seconds(5);
};

/// Where every simulation's clock begins.
inline constexpr time_point simulation_start{std::chrono::seconds(1000)};

/// Makes the backend of a loop whose network, and whose time, are simulated.
///
/// The loop's clock moves only while the loop has nothing to do, and then to the next thing that
/// happens or is due. Who keeps the loop busy for ever keeps time from passing.
CETANE_API std::unique_ptr<detail::backend> make_sim_backend(const sim_options& options = {});

/// What a test asks of the simulation under a loop.
class CETANE_API simulation {
 public:
  /// @throws std::logic_error  The loop runs on a real network.
  static simulation& of(event_loop& loop);

  virtual std::uint64_t seed() const noexcept = 0;
  virtual time_point now() const noexcept = 0;

  /// A number that stands for everything that was drawn and delivered so far, every byte and every
  /// line of the log, and for which task has started, gone on from the ready queue and ended, in
  /// what order: two runs that differ anywhere have different ones.
  virtual std::uint64_t trace_hash() const noexcept = 0;

  /// The last lines of the event log, oldest first, each with its virtual time in seconds.
  virtual std::string log_tail(std::size_t lines = 100) const = 0;

  /// Listeners, connections and sockets for datagrams that somebody has open.
  virtual std::size_t open_descriptors() const noexcept = 0;

  /// How many faults of a kind, or of all, have struck. Latency alone is none.
  virtual std::uint64_t faults_met(fault_kind kind) const noexcept = 0;
  virtual std::uint64_t faults_met() const noexcept = 0;

  /// How many calls have made or accepted a connection, or have moved bytes.
  virtual std::uint64_t io_operations() const noexcept = 0;

  /// From now on the network has these ways. Seed and log limit stay as they are; the capacity is
  /// that of connections made later. What is under way arrives within the new latency.
  virtual void behave_as(const sim_options& wanted) = 0;

  /// How long calls on other threads take, drawn for each that begins from now on: no time by
  /// default. Their answers come in the same order and at the same virtual times in every run.
  virtual void calls_take(any_duration shortest, any_duration longest) = 0;

  /// Calls `who` once the clock shows its time and nothing is left to do before it goes on; `who`
  /// may leave before.
  virtual void rest(simulated_rest& who) = 0;

  /// How many segments and answers, of other machines or other threads, are on their way.
  virtual std::size_t under_way() const noexcept = 0;
  /// What has been sent on all connections and not been acknowledged; an end counts as one byte.
  virtual std::size_t bytes_in_flight() = 0;

  /// What is called what on this network.
  virtual simulated_names& names() noexcept = 0;

  /// Adds a machine, with addresses and a name of its own. From the first one on, an address or a
  /// name that no machine has is nobody's.
  ///
  /// @throws std::invalid_argument  There is such a name, or it is none.
  /// @throws std::length_error      There are 253 besides the one that drives the simulation.
  virtual simulated_host& add_host(std::string name) = 0;

  /// The machine of the loop that drives the simulation; it has no name.
  virtual simulated_host& own_host() noexcept = 0;

  /// Cuts the way from one machine to another: nothing arrives any more, and what was sent is sent
  /// again, as TCP does it, until the way is mended: after this time, or by a call. Datagrams are
  /// lost.
  virtual void cut(simulated_host& from, simulated_host& to,
                   duration how_long = duration::max()) = 0;
  virtual void mend(simulated_host& from, simulated_host& to) = 0;
  /// Mends all ways.
  virtual void mend() = 0;

  /// Cuts a machine off, before its loop goes: no connection of it says a word any more. Who sends
  /// it something meets silence while it has no loop, and a reset once it has one again.
  virtual void cut_power(simulated_host& of) noexcept = 0;

  /// Makes the backend of a loop on that machine, which takes turns with the one that drives the
  /// simulation: while that one polls, `turns` is asked. It outlives the backend.
  virtual std::unique_ptr<detail::backend> make_backend(simulated_host& on,
                                                        simulated_turns& turns) = 0;

 protected:
  simulation() = default;
  ~simulation() = default;
};

/// Thrown out of a simulated loop that nothing can ever wake again: a deadlock. what() names the
/// time, the seed, and every task with what it waits for.
class CETANE_API simulation_stuck : public std::logic_error {
 public:
  using std::logic_error::logic_error;
  ~simulation_stuck() override;
};

}  // namespace cetane
