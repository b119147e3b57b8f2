#include <net/connect_attempt.hpp>

#include <cerrno>
#include <utility>

namespace cetane::detail {

void connect_attempt::begin(const address* from) {
  int fd = -1;
  const int result = loop_.io().connect(to_, from, fd);
  if (fd >= 0) descriptor = fd;
  if (result != -EINPROGRESS) return end(result);
  if (const int failed = loop_.io().watch(*this); failed < 0) end(failed);
}

int connect_attempt::take() noexcept {
  loop_.io().unwatch(*this);
  return std::exchange(descriptor, -1);
}

void connect_attempt::close() noexcept {
  if (descriptor < 0) return;
  const int socket = take();
  loop_.io().close(socket, false);
}

// The registration itself reports a socket that is neither connected nor failed yet as hung up: ask
// what is true.
void connect_attempt::on_ready() noexcept {
  if (!under_way()) return;
  const int result = loop_.io().connect_result(descriptor);
  address peer;
  if (result == 0 && loop_.io().peer_address(descriptor, peer) == -ENOTCONN) return;
  end(result);
  observer_.on_end(*this);
}

void connect_attempt::end(int result) noexcept {
  result_ = result == 0 && is_connected_to_itself() ? -ECONNREFUSED : result;
  if (result_ < 0) close();
}

// A port that nobody listens on may be the very one that the system picks for our end: then TCP
// connects the socket to itself, and a client that tries again and again to reach its server on
// this machine would talk to itself and keep the port from it.
bool connect_attempt::is_connected_to_itself() noexcept {
  backend& io = loop_.io();
  address own;
  address peer;
  return !to_.is_unix() && io.local_address(descriptor, own) == 0 && own.port() == to_.port() &&
         io.peer_address(descriptor, peer) == 0 && own == peer;
}

}  // namespace cetane::detail
