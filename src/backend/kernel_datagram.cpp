// Datagram sockets on the machine's own kernel.
//
// With IP_RECVERR the kernel keeps a note of each ICMP message in the socket's error queue, and
// tells the error once more to whoever calls the socket next, be it about another peer. That call
// has done nothing then: it is made again, and the note, which knows the address, is left for
// take_failure(). Only what a call says again with no note in the way is its own.
#include <backend/kernel_backend.hpp>

#include <os/fork_hook.hpp>
#include <os/socket.hpp>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <new>

namespace cetane::detail {
namespace {

// How often a call is made again: notes may come in as fast as we call.
constexpr int most_attempts = 8;

// What an ICMP message may have left behind (ip(7), udp(7)): the kernel's errno for its type and
// code.
bool may_be_told_for_another(int error) noexcept {
  switch (error) {
    case ECONNREFUSED:
    case EHOSTUNREACH:
    case ENETUNREACH:
    case EHOSTDOWN:
    case ENONET:
    case ENOPROTOOPT:
    case EOPNOTSUPP:
    case EPROTO:
    case EMSGSIZE:
    case EACCES:
    case ECONNRESET:
      return true;
    default:
      return false;
  }
}

// A socket that was taken over did not bring one.
bool make_batch(std::unique_ptr<os::datagram_batch>& into) noexcept {
  try {
    into = std::make_unique<os::datagram_batch>();
    return true;
  } catch (const std::bad_alloc&) {
    return false;
  }
}

}  // namespace

int kernel_backend::open_datagram(const address& at, const datagram_request& request,
                                  int& descriptor, address& bound) {
  if (!datagrams_) datagrams_ = std::make_unique<os::datagram_batch>();
  os::datagram_options options;
  options.reuse_port = request.reuse_port;
  options.share_port = request.share_port;
  const os::forks_held_back until_it_is_owned;
  unique_fd fd;
  if (const int failed = os::open_datagram_socket(at, request.to, options, fd); failed < 0)
    return failed;
  if (const int failed = os::local_address(fd.get(), bound); failed < 0) return failed;
  return give_out(fd, descriptor);
}

// Fewer than were asked for: there are no more, or an error stands in between, which is an event of
// its own. So is what comes later.
std::span<const arrived_datagram> kernel_backend::receive(datagram_io& socket, std::size_t limit,
                                                          std::size_t count) noexcept {
  if (!datagrams_ && !make_batch(datagrams_)) {
    socket.readable = false;
    return {};
  }
  int got = 0;
  for (int tries = 0; tries < most_attempts; ++tries) {
    got = datagrams_->receive(socket.descriptor, limit, count);
    if (got >= 0 || got == -EAGAIN) break;
  }
  socket.readable = got == static_cast<int>(count);
  return datagrams_->arrived(std::max(got, 0));
}

// There is no event for the room that another process's Unix socket has, nor for that of a network
// interface.
ssize_t kernel_backend::send(datagram_io& socket, const address* to, const iovec* parts,
                             int count) noexcept {
  ssize_t sent = 0;
  for (int tries = 0; tries < most_attempts; ++tries) {
    sent = os::send_datagram(socket.descriptor, to, parts, count);
    if (sent >= 0) [[likely]]
      return sent;
    if (socket.is_unix || !may_be_told_for_another(static_cast<int>(-sent))) break;
  }
  if (sent != -EAGAIN) return sent;
  if (to != nullptr && to->is_unix()) return -ENOBUFS;
  socket.writable = false;
  await_room(socket);
  return -EAGAIN;
}

int kernel_backend::take_failure(datagram_io& socket, datagram_failure& out) noexcept {
  const int result = os::take_datagram_failure(socket.descriptor, out);
  if (result < 0) socket.failed = false;
  return result;
}

int kernel_backend::set_membership(int descriptor, const address& group, const address& on,
                                   bool member) {
  return os::set_membership(descriptor, group, on, member);
}

int kernel_backend::set_broadcast(int descriptor, bool allowed) {
  return os::set_broadcast(descriptor, allowed);
}

}  // namespace cetane::detail
