#pragma once

#include <cetane/backend/fault_kind.hpp>
#include <cetane/backend/sim.hpp>
#include <cetane/base/clock.hpp>
#include <cetane/base/config.hpp>
#include <cetane/base/random.hpp>

#include <cstddef>
#include <string_view>

namespace cetane::testing {

using cetane::fault_kind;

/// What a simulated network does to those who talk over it: `faults().latency(0ms,
/// 200ms).split_reads().resets(0.1)`. What is not named stays as a good small network has it.
///
/// A share says how often a fault strikes where it can: 0 is never, 1 always. Each word throws
/// std::invalid_argument for a share, or a range, that is upside down or out of bounds.
class CETANE_API faults {
 public:
  /// A good small network.
  [[nodiscard]] static faults none();
  /// Far away and narrow: 100 to 400 ms, 20,000 bytes a second, all in pieces.
  [[nodiscard]] static faults slow_link();
  /// Buffers of 256 bytes, short writes, pieces of up to 8 bytes.
  [[nodiscard]] static faults small_pipes();
  /// Now and then something fails: storms, resets, refused and lost connects, full backlogs.
  [[nodiscard]] static faults flaky();
  /// All of it, often, and tasks in any order.
  [[nodiscard]] static faults hostile();
  /// Some of it, drawn: which kinds, and how much of each.
  [[nodiscard]] static faults drawn(random_stream& numbers);
  /// A profile by its name, as above.
  [[nodiscard]] static faults named(std::string_view profile);

  /// How long everything travels: each piece draws anew, but none overtakes another of the same
  /// direction.
  faults& latency(any_duration shortest, any_duration longest);

  /// How fast the bytes of each direction of a connection travel, one behind the other; and the
  /// datagrams of each socket.
  faults& bandwidth(std::size_t bytes_per_second);

  /// How much each end buffers for sending, and as much again for receiving: with little, `send`
  /// soon waits. Counts for connections made from then on. A datagram that finds a socket's buffer
  /// full is lost.
  faults& buffers(std::size_t bytes);

  /// Lets what one end sends arrive in pieces of 1 to `most_bytes` bytes, so that a read may end
  /// anywhere.
  faults& split_reads(std::size_t most_bytes = 8);

  /// Writes that take less than there is room for.
  faults& short_writes(double share = 0.5);

  /// Writes that seem to take all and find out a little later, in the loop's next poll, that there
  /// was no room, or no connection: as on io_uring.
  faults& late_writes(double share = 0.5);

  /// Calls that find no room though there is, or nobody to accept though somebody waits; events for
  /// nothing; interrupted calls.
  faults& storms(double share = 0.2);

  /// Connections that break at some point, drawn by bytes or by time: early or late, with bytes
  /// under way, unread or queued.
  faults& resets(double share = 0.2);

  /// Connects that are refused though somebody listens.
  faults& refused_connects(double share = 0.2);

  /// Connects that the system gives up after 127 s.
  faults& timed_out_connects(double share = 0.2);

  /// Connects that meet no answer at all, so that only the caller's own limit ends them.
  faults& lost_connects(double share = 0.2);

  /// Connects that find no way there: the system says so after 3 s.
  faults& unreachable_connects(double share = 0.2);

  /// Listeners that have no place left: the client's system asks again after 1, 3, 7, ... s. On a
  /// Unix socket `connect` does, every 10 ms.
  faults& full_backlogs(double share = 0.2);

  /// Accepts that fail for up to a second, for want of descriptors or memory, or because the client
  /// has gone.
  faults& failing_accepts(double share = 0.2);

  /// Tasks that are ready have their turns in any order, and so do sockets: what a program may rely
  /// on is the order in which waiters are served, not that in which they then run. A task that
  /// yields still lets all go first who are ready then.
  faults& shuffled_turns();

  /// Datagrams that are lost, come twice, come later than others which leave after them, or come
  /// without their end. Those on Unix sockets all come, once, whole, and in their order.
  faults& lost_datagrams(double share = 0.1);
  faults& doubled_datagrams(double share = 0.1);
  faults& reordered_datagrams(double share = 0.1);
  faults& truncated_datagrams(double share = 0.1);

  /// Leaves out a kind, whatever was or will be said.
  faults& without(fault_kind kind);

  /// Faults strike from this time on, or until it, counted from the beginning of the world. Before
  /// and after that the network is a good one.
  faults& from(any_duration begin);
  faults& until(any_duration end);

  /// What the network is told.
  [[nodiscard]] const sim_options& ways() const noexcept { return ways_; }

 private:
  faults& strike(fault_kind kind, double share);

  sim_options ways_;
};

}  // namespace cetane::testing
