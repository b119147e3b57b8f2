#pragma once

#include <net/datagram_link.hpp>

#include <cetane/base/intrusive_list.hpp>
#include <cetane/coro/frame_memory.hpp>
#include <cetane/coro/task_context.hpp>
#include <cetane/net/udp_peer.hpp>
#include <cetane/runtime/timer.hpp>

#include <cstdint>
#include <exception>
#include <string>
#include <utility>

namespace cetane::detail {

class udp_session_core;

/// A peer of a service of sessions, and the task of its handler, in one piece of memory.
///
/// The object lives until the handler has ended, and that of the next session if there is something
/// to begin one with; a handler may have moved its udp_peer away, then until that is gone as well.
class udp_session final : public datagram_link, public task_context, public pooled, timer {
 public:
  udp_session(udp_session_core& of, const address& peer) noexcept;
  ~udp_session();

  /// Calls the handler. Throws what making its frame throws.
  void begin();

  /// Takes what has come from the peer: false if there is no room.
  bool take(const arrived_datagram& what) noexcept;
  void take_undelivered(int error) noexcept;

  /// Notes that the conversation was cut short; false if that was known.
  bool note_cut() noexcept { return !std::exchange(cut_, true); }
  bool handler_runs() const noexcept { return handler_runs_; }
  void count_dropped() noexcept { ++dropped_; }

  // Of the link.
  datagram_port& port() noexcept override;
  const address* destination() const noexcept override { return &remote_; }
  void end() noexcept override { end_both(); }
  void release() noexcept override;
  std::uint64_t dropped() const noexcept override { return dropped_; }

  // Of the task.
  std::string label() const override;
  std::string peer() const override { return remote_.to_string(); }
  void on_finished() noexcept override;

 private:
  void on_wait() noexcept override;
  void on_timer() noexcept override { tell_silence(); }
  void tell_silence() noexcept;
  void on_taken(std::size_t bytes) noexcept override;
  void throw_silence() const override;
  void report(std::exception_ptr error) noexcept;
  bool is_own_end(std::exception_ptr error) const;
  bool begins_again() noexcept;

  udp_session_core& service_;
  udp_peer handle_;
  time_point heard_;  // when the peer last sent something
  std::uint64_t dropped_ = 0;
  bool handler_runs_ = false;
  bool released_ = false;  // nobody has a udp_peer of this
  bool told_ = false;      // a note about undelivered datagrams waits
  bool cut_ = false;
};

}  // namespace cetane::detail
