// Datagram sockets on the machine's own kernel.
//
// With IP_RECVERR the kernel keeps a note of each ICMP message in the socket's error queue, and
// tells the error once more to whoever calls the socket next, be it about another peer. That call
// has done nothing then: it is made again, and the note, which knows the address, is left for
// take_failure(). Only what a call says again with no note in the way is its own.
#include <backend/kernel_backend.hpp>

#include <os/datagram_outbox.hpp>
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

// Makes a call that sends until what it says is its own.
template <class Call>
auto until_it_is_its_own(const datagram_io& socket, Call call) noexcept {
  auto result = call();
  for (int tries = 1; tries < most_attempts; ++tries) {
    if (result >= 0) [[likely]]
      break;
    if (socket.is_unix || !may_be_told_for_another(static_cast<int>(-result))) break;
    result = call();
  }
  return result;
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
  options.merged = request.merged;
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
  return datagrams_->arrived();
}

// There is no event for the room that another process's Unix socket has, nor for that of a network
// interface.
ssize_t kernel_backend::send(datagram_io& socket, const address* to, const iovec* parts,
                             int count) noexcept {
  const ssize_t sent = until_it_is_its_own(
      socket, [&] { return os::send_datagram(socket.descriptor, to, parts, count); });
  if (sent >= 0) [[likely]]
    return sent;
  if (sent != -EAGAIN) return sent;
  if (to != nullptr && to->is_unix()) return -ENOBUFS;
  socket.writable = false;
  await_room(socket);
  return -EAGAIN;
}

// The kernel stops at the first message that it cannot send, and says why when that is asked for
// again. One of several datagrams it may refuse only because it is one, for the sake of the
// kernel's age, the network device, or the way there: that socket's are sent one by one from then
// on, which tells.
int kernel_backend::send_several(datagram_io& socket, const os::datagram_outbox& what,
                                 std::size_t first) noexcept {
  const auto send = [&] { return what.send(socket.descriptor, first, socket.segments); };
  int sent = until_it_is_its_own(socket, send);
  const bool refused = sent < 0 && sent != -EAGAIN && sent != -ENOBUFS;
  if (refused && socket.segments && what.run_at(first) > 1) {
    socket.segments = false;
    sent = until_it_is_its_own(socket, send);
  }
  if (sent != -EAGAIN) [[likely]]
    return sent;
  socket.writable = false;
  await_room(socket);
  return sent;
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
