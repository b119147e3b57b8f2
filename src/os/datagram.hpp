#pragma once

#include <os/arrived_datagram.hpp>

#include <cetane/os/address.hpp>
#include <cetane/os/unique_fd.hpp>

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

/// Datagram sockets. As in socket.hpp the calls return 0 or more for success and a negative errno
/// otherwise, throw nothing, and make every descriptor non-blocking and closed on exec.
namespace cetane::os {

struct datagram_options {
  bool reuse_port = false;  ///< several sockets share a port; each datagram goes to one of them
  bool share_port = false;  ///< the same for multicast: each datagram goes to all of them
  bool merged = false;      ///< several of one sender may come as one message, which datagram_batch
                            ///< takes apart (UDP_GRO, Linux 5.0); all that read it have to
};

/// Opens a datagram socket that reports what comes back for what it has sent (IP_RECVERR).
///
/// A Unix socket's file that nobody listens on any more is removed first, as for listen_on().
/// @param at  Where it receives. No address at all: where the system likes, once it is known which
///            family that is; a Unix socket then gets an abstract name of the system's.
/// @param to  If not null, the only peer that it sends to and receives from.
int open_datagram_socket(const address& at, const address* to, const datagram_options& options,
                         unique_fd& out) noexcept;

/// Memory to receive into, and what the system calls need besides: some datagrams at a time, each
/// with the room that the largest takes. Only what is used costs memory.
class datagram_batch {
 public:
  static constexpr std::size_t most = datagrams_per_call;
  static constexpr std::size_t most_bytes = 65536;

  datagram_batch();

  /// Receives up to `count` messages with one system call: how many, or -EAGAIN. A message is a
  /// datagram, or several. What a datagram has beyond the limit is lost, and so is one for which
  /// there is no memory.
  int receive(int socket, std::size_t limit, std::size_t count) noexcept;

  /// The datagrams that the last receive() has brought: valid until the next one.
  std::span<const arrived_datagram> arrived() const noexcept { return {arrived_.data(), count_}; }

 private:
  // Not a power of two apart, so that the beginnings do not all fall on the same lines of the
  // cache.
  static constexpr std::size_t stride = most_bytes + 4096 + 192;
  struct control {
    alignas(cmsghdr) std::array<char, 64> bytes;
  };

  struct unmap {
    void operator()(char* block) const noexcept;
  };

  static void prepare(msghdr& header) noexcept;
  void take(const mmsghdr& message, std::size_t limit) noexcept;
  void take_apart(const mmsghdr& message, std::size_t limit) noexcept;
  arrived_datagram* add(std::string_view whole, const msghdr& of, std::size_t limit) noexcept;
  bool make_room() noexcept;

  std::unique_ptr<char, unmap> block_;
  std::array<mmsghdr, most> messages_;
  std::array<iovec, most> parts_;
  std::array<sockaddr_storage, most> senders_;
  std::array<control, most> controls_;
  std::vector<arrived_datagram> arrived_;  // the first `count_`; the others are kept for their room
  std::size_t room_ = most;                // as many are there
  std::size_t count_ = 0;
};

/// Sends `parts` as one datagram, to the peer of a connected socket if `to` is null.
///
/// An error may be one of an earlier datagram, which the socket still had to tell; see
/// take_datagram_failure().
ssize_t send_datagram(int socket, const address* to, const iovec* parts, int count) noexcept;

/// Takes one note about a datagram that was sent and that somebody on the way has refused: 0, or
/// -EAGAIN when there is none. What the sender was told at the call is left out.
int take_datagram_failure(int socket, datagram_failure& out) noexcept;

/// Joins or leaves a multicast group, on the interface that has the address `on`, or on the one
/// that the system picks.
int set_membership(int socket, const address& group, const address& on, bool member) noexcept;
/// Lets datagrams go to broadcast addresses.
int set_broadcast(int socket, bool allowed) noexcept;

}  // namespace cetane::os
