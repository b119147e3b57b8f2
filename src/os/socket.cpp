#include "os/socket.hpp"

#include <os/raw_address.hpp>
#include <os/socket_option.hpp>

#include <algorithm>
#include <cerrno>
#include <chrono>

#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace cetane::os {
namespace {

int bind_to(int fd, const address& where) noexcept {
  raw_address raw(where);
  return result_of(::bind(fd, raw.get(), raw.length()));
}

int connect_to(int fd, const address& where) noexcept {
  raw_address raw(where);
  const int result = result_of(::connect(fd, raw.get(), raw.length()));
  // Interrupted, the attempt goes on in the background (connect(2)).
  return result == -EINTR ? -EINPROGRESS : result;
}

// True for a socket file that refuses connections: its server is gone. A busy server answers
// EAGAIN, one of the other kind of socket EPROTOTYPE; and a plain file refuses as well, so its kind
// is looked at first.
bool is_stale_socket(const address& where, int kind) noexcept {
  raw_address raw(where);
  const char* path = reinterpret_cast<const sockaddr_un*>(raw.get())->sun_path;
  struct stat facts {};
  if (path[0] == '\0' || ::lstat(path, &facts) != 0 || !S_ISSOCK(facts.st_mode)) return false;

  unique_fd probe;
  if (open_socket(address_family::unix_socket, kind, probe) < 0) return false;
  return connect_to(probe.get(), where) == -ECONNREFUSED;
}

int prepare_listener(int fd, address_family family, const listen_options& options) noexcept {
  if (family == address_family::unix_socket) return 0;
  int result = set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  if (result == 0) result = keep_urgent_data(fd);
  if (result == 0 && options.reuse_port) result = set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
  if (result == 0 && family == address_family::ipv6) {
    result = set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, options.ipv6_only ? 1 : 0);
  }
  return result;
}

int whole_seconds(duration span) noexcept {
  constexpr auto longest = std::chrono::seconds(32767);  // the kernel refuses more
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(span);
  return static_cast<int>(std::clamp(seconds, std::chrono::seconds(1), longest).count());
}

}  // namespace

int open_socket(address_family family, int kind, unique_fd& out) noexcept {
  int domain = AF_UNIX;
  if (family == address_family::none) return -EAFNOSUPPORT;
  if (family == address_family::ipv4) domain = AF_INET;
  if (family == address_family::ipv6) domain = AF_INET6;
  const int fd = ::socket(domain, kind | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;
  out.reset(fd);
  return 0;
}

int bind_socket(int fd, int kind, const address& where) noexcept {
  const int result = bind_to(fd, where);
  if (!where.is_unix() || result != -EADDRINUSE || !is_stale_socket(where, kind)) return result;
  raw_address raw(where);
  ::unlink(reinterpret_cast<const sockaddr_un*>(raw.get())->sun_path);
  return bind_to(fd, where);
}

int listen_on(const address& where, const listen_options& options, unique_fd& out) noexcept {
  unique_fd fd;
  int result = open_socket(where.family(), SOCK_STREAM, fd);
  if (result == 0) result = prepare_listener(fd.get(), where.family(), options);
  if (result == 0) result = bind_socket(fd.get(), SOCK_STREAM, where);
  if (result == 0) result = result_of(::listen(fd.get(), options.backlog));
  if (result == 0) out = std::move(fd);
  return result;
}

int accept_one(int listener, unique_fd& out, address* peer) noexcept {
  raw_address raw;
  const int fd =
      ::accept4(listener, peer == nullptr ? nullptr : raw.get(),
                peer == nullptr ? nullptr : raw.length_for_result(), SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) return -errno;
  out.reset(fd);
  if (peer != nullptr) *peer = raw.value();
  return 0;
}

int begin_connect(const address& to, const address* from, unique_fd& out) noexcept {
  unique_fd fd;
  int result = open_socket(to.family(), SOCK_STREAM, fd);
  if (result == 0 && !to.is_unix()) result = keep_urgent_data(fd.get());
  if (result == 0 && from != nullptr) result = bind_to(fd.get(), *from);
  if (result == 0) result = connect_to(fd.get(), to);
  if (result == 0 || result == -EINPROGRESS) out = std::move(fd);
  return result;
}

int connect_result(int fd) noexcept {
  int failure = 0;
  socklen_t length = sizeof failure;
  if (::getsockopt(fd, SOL_SOCKET, SO_ERROR, &failure, &length) < 0) return -errno;
  return -failure;
}

int local_address(int fd, address& out) noexcept {
  raw_address raw;
  if (::getsockname(fd, raw.get(), raw.length_for_result()) < 0) return -errno;
  out = raw.value();
  return 0;
}

int peer_address(int fd, address& out) noexcept {
  raw_address raw;
  if (::getpeername(fd, raw.get(), raw.length_for_result()) < 0) return -errno;
  out = raw.value();
  return 0;
}

int prepare_stream(int fd, address& peer) noexcept {
  int kind = 0;
  socklen_t length = sizeof kind;
  if (::getsockopt(fd, SOL_SOCKET, SO_TYPE, &kind, &length) < 0) return -errno;
  if (kind != SOCK_STREAM) return -EPROTOTYPE;
  int result = peer_address(fd, peer);
  if (result == 0 && peer.family() == address_family::none) return -EAFNOSUPPORT;
  if (result == 0 && !peer.is_unix()) result = keep_urgent_data(fd);
  if (result == 0 && !peer.is_unix()) result = set_nodelay(fd);
  if (result == 0) result = result_of(::fcntl(fd, F_SETFD, FD_CLOEXEC));
  const int flags = result == 0 ? ::fcntl(fd, F_GETFL) : 0;
  return result == 0 ? result_of(::fcntl(fd, F_SETFL, flags | O_NONBLOCK)) : result;
}

int set_nodelay(int fd) noexcept { return set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1); }

int set_keepalive(int fd, duration idle, duration interval, int count) noexcept {
  int result = set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, whole_seconds(idle));
  if (result == 0) result = set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, whole_seconds(interval));
  if (result == 0) result = set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, count);
  if (result == 0) result = set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  return result;
}

int set_linger_reset(int fd) noexcept {
  const linger at_once{1, 0};
  return result_of(::setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once));
}

int shutdown_write(int fd) noexcept { return result_of(::shutdown(fd, SHUT_WR)); }

int unsent_bytes(int fd) noexcept {
  int bytes = 0;
  const int result = result_of(::ioctl(fd, SIOCOUTQ, &bytes));
  return result < 0 ? result : bytes;
}

int make_socket_pair(unique_fd& one, unique_fd& other) noexcept {
  int fds[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) < 0) return -errno;
  one.reset(fds[0]);
  other.reset(fds[1]);
  return 0;
}

int make_pipe(unique_fd& read_end, unique_fd& write_end) noexcept {
  int fds[2];
  if (::pipe2(fds, O_NONBLOCK | O_CLOEXEC) < 0) return -errno;
  read_end.reset(fds[0]);
  write_end.reset(fds[1]);
  return 0;
}

int make_eventfd(unique_fd& out) noexcept {
  const int fd = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (fd < 0) return -errno;
  out.reset(fd);
  return 0;
}

}  // namespace cetane::os
