#pragma once

#include <os/datagram.hpp>
#include <os/syscalls.hpp>
#include <runtime/backend.hpp>

#include <cetane/os/unique_fd.hpp>

#include <ctime>
#include <memory>
#include <span>
#include <vector>

namespace cetane::detail {

inline time_point monotonic_now() noexcept {
  timespec ts{};
  ::clock_gettime(CLOCK_MONOTONIC, &ts);
  return time_point(std::chrono::seconds(ts.tv_sec) + std::chrono::nanoseconds(ts.tv_nsec));
}

/// How many blocks (io_blocks::input_bytes) go in a row to a reader who is back for the next. One
/// for each reader in turn would be as fair, but what a peer has just sent is out of the cache by
/// the time that many others have had theirs: docs/explanation/performance.md has the figures.
class block_allowance {
 public:
  static constexpr int a_turn = 8;
  static constexpr int extra_a_poll = 256;  // beyond the first of each reader, for all together

  void renew() noexcept { extra_ = extra_a_poll; }

  /// Whether the reader of `stream`, who has had `taken` blocks in this turn, gets another one.
  bool grants_another(const stream_io& stream, int taken) noexcept {
    if (taken >= a_turn || extra_ == 0 || !stream.reading || !stream.has_reader()) return false;
    --extra_;
    return true;
  }

 private:
  int extra_ = 0;
};

/// Sends from `parts` with one system call: the number of bytes taken, or a negative errno value.
inline ssize_t send_parts(int socket, const iovec* parts, int count) noexcept {
  for (;;) {
    long sent = 0;
    if (count == 1) {
      sent = os::send(socket, parts->iov_base, parts->iov_len);
    } else {
      msghdr message{};
      message.msg_iov = const_cast<iovec*>(parts);
      message.msg_iovlen = static_cast<std::size_t>(count);
      sent = os::sendmsg(socket, message);
    }
    if (sent != -EINTR) return sent;
  }
}

/// What the two backends on the machine's own kernel have in common: the clock, the sockets, and
/// the descriptor that wakes them.
class kernel_backend : public backend {
 public:
  time_point now() noexcept override { return monotonic_now(); }
  void wake() noexcept override;

  int listen(const address& at, const listen_request& request, int& descriptor,
             address& bound) override;
  int accept(poll_io& listener, int& descriptor, address& peer) override;
  int connect(const address& to, const address* from, int& descriptor) override;
  int connect_result(int descriptor) override;
  int local_address(int descriptor, address& out) override;
  int peer_address(int descriptor, address& out) override;
  int ask_peer_credentials(int descriptor, peer_credentials& out) override;
  int set_keepalive(int descriptor) override;
  int shutdown_write(stream_io& stream) override;
  std::size_t unsent_bytes(const stream_io& stream) override;
  int duplicate(int descriptor) override;
  void give_away(int descriptor) noexcept override;
  int take_over(int descriptor) noexcept override;
  void close(int descriptor, bool reset) noexcept override;
  std::string leftovers() const override;

  int open_datagram(const address& at, const datagram_request& request, int& descriptor,
                    address& bound) override;
  std::span<const arrived_datagram> receive(datagram_io& socket, std::size_t limit,
                                            std::size_t count) noexcept override;
  ssize_t send(datagram_io& socket, const address* to, const iovec* parts,
               int count) noexcept override;
  int send_several(datagram_io& socket, const os::datagram_outbox& what,
                   std::size_t first) noexcept override;
  int take_failure(datagram_io& socket, datagram_failure& out) noexcept override;
  int set_membership(int descriptor, const address& group, const address& on, bool member) override;
  int set_broadcast(int descriptor, bool allowed) override;

 protected:
  /// Throws cetane::error when there is no descriptor left.
  kernel_backend();

  /// Readable as soon as wake() was called once. Every call is an edge, so the count need never be
  /// read.
  int wake_descriptor() const noexcept { return wake_.get(); }

  /// Asks what has broken a connection, and keeps it: the kernel tells it once, and then says that
  /// the input has ended, or that the pipe is broken. What it has told somebody else is a reset.
  static int ask_failure(stream_io& stream) noexcept;

  /// How the input has ended of which the kernel says that it has. A broken pipe has its own end.
  static int how_ended(stream_io& stream) noexcept;

  /// Why a write has failed of which the kernel says `error`, negative.
  static ssize_t why_unwritten(stream_io& stream, ssize_t error) noexcept;

  /// Reads from a stream that takes descriptors, and hands it those. The count of bytes, 0 at the
  /// end, or a negative errno value: -EAGAIN as well where the stream wants no more.
  long receive_with_descriptors(stream_io& stream, char* to, std::size_t size) noexcept;

  /// A datagram socket had no room: arranges that on_ready() tells when there is.
  virtual void await_room(datagram_io& socket) noexcept = 0;

  /// For a child process: closes what its parent's loop has open, save `kept`.
  void forget(std::span<const int> kept) noexcept;

  /// Closes the descriptor that wakes it, under the protection of who is being destroyed.
  void end_wake() noexcept { wake_.reset(); }

 private:
  bool own(int descriptor) noexcept;
  int give_out(unique_fd& fresh, int& descriptor) noexcept;

  unique_fd wake_;
  std::unique_ptr<os::datagram_batch> datagrams_;  // made for the first socket
  std::vector<bool> owned_;    // by number: what is open. Changed while no other thread can fork
  std::size_t strangers_ = 0;  // that were closed: not its own, or not any more
};

}  // namespace cetane::detail
