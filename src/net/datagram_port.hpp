#pragma once

#include <net/datagram_stage.hpp>
#include <net/reached_places.hpp>
#include <net/socket_file.hpp>
#include <os/datagram_outbox.hpp>
#include <runtime/backend.hpp>

#include <cetane/base/limits.hpp>
#include <cetane/coro/frame_memory.hpp>
#include <cetane/net/udp_send_op.hpp>
#include <cetane/os/address.hpp>
#include <cetane/os/unique_fd.hpp>
#include <cetane/runtime/chunk.hpp>
#include <cetane/runtime/event_loop.hpp>
#include <cetane/runtime/timer.hpp>
#include <cetane/sync/detail/wait_line.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <numeric>
#include <string>
#include <string_view>

namespace cetane::detail {

/// A datagram that has to wait until there is room.
struct outgoing_datagram : pooled {
  outgoing_datagram(const address* where, std::string_view text)
      : to(where == nullptr ? address() : *where), bytes(text) {}

  /// Null: to the only peer.
  const address* destination() const noexcept {
    return to.family() == address_family::none ? nullptr : &to;
  }
  std::size_t room() const noexcept { return bytes.size() + overhead; }

  static constexpr std::size_t overhead = 256;  // the memory that one takes besides its bytes

  address to;
  chunk bytes;
};

/// Who gets what a port receives.
class datagram_sink {
 public:
  /// Whether datagrams are wanted now; if not, they wait in the socket until read().
  virtual bool wants_datagrams() noexcept = 0;
  virtual void on_datagram(const arrived_datagram& what) noexcept = 0;

  /// One that was sent to `about` has not come there.
  virtual void on_undelivered(const address& about, int error) noexcept = 0;

 protected:
  ~datagram_sink() = default;
};

/// A datagram socket: what comes goes to a sink, and what finds no room waits in a queue.
///
/// What is sent over UDP where the system has taken a datagram before, or where one has come from,
/// is staged, and leaves with others: see datagram_stage. Elsewhere the call itself tells whether
/// it can be sent at all. Nothing is staged while something is queued, and what was staged before
/// that goes behind it.
///
/// It receives while the sink wants something, up to `reads_in_a_row` times 32 messages before
/// others have a turn; the kernel may have merged up to 64 datagrams to one of them. The queue is
/// there for the moments when the system takes no more; what is beyond its limit is not queued.
/// Up-calls resume no task, so that nothing goes away under them.
class datagram_port final : public datagram_io, timer {
 public:
  datagram_port(event_loop& loop, datagram_sink& sink) noexcept : loop_(loop), sink_(sink) {}
  ~datagram_port() { close(); }

  /// Opens the socket: 0, or a negative errno value.
  int open(const address& at, const datagram_request& request);
  /// Takes over one that is bound already, shared with other processes: 0, or a negative errno
  /// value and the socket is closed.
  int adopt(unique_fd shared, const address& bound, bool removes_file);
  /// Closes it. What is queued is dropped; whoever waits for room goes on.
  void close() noexcept;
  bool is_open() const noexcept { return descriptor >= 0; }

  /// Whether it removes the file of its Unix socket, and that it does not: another process has the
  /// socket, too.
  bool removes_file() const noexcept { return file_.is_kept(); }
  void leave_file() noexcept { file_.leave(); }

  void set_limits(const udp_limits& limits) noexcept { limits_ = limits; }
  const udp_limits& limits() const noexcept { return limits_; }

  /// Receives once, if there may be something.
  void read() noexcept;

  enum class fate : std::uint8_t { sent, queued, no_room, failed };
  /// Sends `parts` as one datagram, or queues it; what is staged counts as sent. `error` says why
  /// it has failed.
  fate send(const address* to, const std::string_view* parts, std::size_t count, int& error);
  /// Sends one for which there was no room before, and which was counted as dropped: queues it
  /// whatever there is.
  void send_kept(outgoing_datagram&& unsent);
  /// Whether senders need not wait.
  bool has_room() const noexcept { return queued_bytes_ <= limits_.output_high_bytes; }
  std::size_t queued_bytes() const noexcept { return queued_bytes_; }
  wait_line& senders() noexcept { return senders_; }

  /// Sends `parts` together with others, if nothing speaks against it.
  bool stage(const address* to, const std::string_view* parts, std::size_t count,
             std::size_t size) noexcept {
    if (stage_ == nullptr || size > os::datagram_outbox::longest || !queue_.empty()) return false;
    if (!(has_peer_ ? peer_reached_ : reached_.knows(*to))) return false;
    stage_->add(*this, to, parts, count, size);
    loop_.counters().bytes_queued += size;
    return true;
  }
  /// Sends what was staged for it, as far as there is room, and queues the rest.
  void send_staged(const os::datagram_outbox& staged) noexcept;

  /// Datagrams that were lost here: the socket had no room for them, or the queue.
  std::uint64_t dropped() const noexcept { return lost_in_socket_ + dropped_; }
  void count_dropped() noexcept;

  const address& bound() const noexcept { return bound_; }
  event_loop& loop() const noexcept { return loop_; }

 private:
  static constexpr int reads_in_a_row = 4;

  int watch(int socket);
  void on_ready() noexcept override;
  void on_timer() noexcept override;
  void hear_failures() noexcept;
  void read_all() noexcept;
  int send_now(const address* to, const iovec* parts, int count) noexcept;
  int try_to_send(const address* to, const std::string_view* parts, std::size_t count);
  void note_reached(const address& place) noexcept;
  void refused(const os::datagram_outbox& staged, std::size_t index, int error) noexcept;
  void queue_staged(const os::datagram_outbox& staged, std::size_t first) noexcept;
  void keep(outgoing_datagram&& unsent);
  bool is_behind_another(const address* to) const noexcept;
  void send_queued() noexcept;
  bool send_one(const outgoing_datagram& one) noexcept;
  void ask_again_later() noexcept;

  event_loop& loop_;
  datagram_sink& sink_;
  udp_limits limits_;
  address bound_;
  socket_file file_;
  datagram_stage* stage_ = nullptr;  // of the loop; null for a Unix socket
  bool has_peer_ = false;
  bool peer_reached_ = false;
  reached_places reached_;  // of a socket without a peer
  std::deque<outgoing_datagram> queue_;
  std::size_t queued_bytes_ = 0;
  wait_line senders_;
  std::uint64_t lost_in_socket_ = 0;
  std::uint64_t dropped_ = 0;
};

/// How many bytes `parts` have in all.
inline std::size_t total_size(const std::string_view* parts, std::size_t count) noexcept {
  return std::accumulate(parts, parts + count, std::size_t{0},
                         [](std::size_t sum, std::string_view part) { return sum + part.size(); });
}

/// Sends, or throws what is said of it in udp_socket::send(). `to` is for the text; `destination`
/// is null on a connected socket.
udp_send_op send_through(datagram_port& port, const address& to, const address* destination,
                         const std::string_view* parts, std::size_t count);
/// As that, but never waits: false when there is no room. Throws std::bad_alloc only.
bool try_send_through(datagram_port& port, const address* destination,
                      const std::string_view* parts, std::size_t count);

}  // namespace cetane::detail
