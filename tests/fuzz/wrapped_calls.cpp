// Where the linker sends the system calls of this program (--wrap): to the scripted kernel while
// there is one, else to the system. The list is in meson.build.
#include <fuzz/environment.hpp>
#include <fuzz/kernel.hpp>

#include <cerrno>
#include <cstdarg>
#include <cstdlib>
#include <ctime>

#include <linux/sockios.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>

// NOLINTBEGIN(bugprone-reserved-identifier): the linker's names

namespace {

using cetane::fuzz::kernel;

kernel* own(int fd) { return kernel::is_own(fd) ? kernel::current() : nullptr; }

// As system calls do it.
template <class T>
T result(T returned) {
  if (returned >= 0) return returned;
  errno = static_cast<int>(-returned);
  return -1;
}

// The calls on the path of a message have no libc in between, unless they are told to: see
// src/os/syscalls.hpp. Before everything else, since they look once.
[[gnu::constructor(101)]] void go_through_libc() { ::setenv("CETANE_SYSCALLS", "libc", 1); }

ssize_t send_all(kernel& to, int fd, const msghdr& message, int flags) {
  std::string bytes;
  for (std::size_t i = 0; i < message.msg_iovlen; ++i) {
    const iovec& part = message.msg_iov[i];
    bytes.append(static_cast<const char*>(part.iov_base), part.iov_len);
  }
  return to.send(fd, bytes, flags);
}

}  // namespace

extern "C" {

#define CETANE_WRAPPED(type, name, ...) \
  type __real_##name(__VA_ARGS__);      \
  type __wrap_##name(__VA_ARGS__);      \
  type __wrap_##name(__VA_ARGS__)

CETANE_WRAPPED(char*, getenv, const char* name) {
  const auto* const around = cetane::fuzz::environment::current();
  return around == nullptr ? __real_getenv(name) : const_cast<char*>(around->find(name));
}

CETANE_WRAPPED(int, clock_gettime, clockid_t id, timespec* out) {
  if (kernel::current() == nullptr || id != CLOCK_MONOTONIC) return __real_clock_gettime(id, out);
  constexpr std::int64_t second = 1'000'000'000;
  const std::int64_t now = kernel::current()->clock();
  out->tv_sec = now / second;
  out->tv_nsec = now % second;
  return 0;
}

CETANE_WRAPPED(int, epoll_create1, int flags) {
  if (kernel::current() == nullptr) return __real_epoll_create1(flags);
  return kernel::current()->make_epoll();
}

CETANE_WRAPPED(int, eventfd, unsigned count, int flags) {
  if (kernel::current() == nullptr) return __real_eventfd(count, flags);
  return kernel::current()->make_event();
}

CETANE_WRAPPED(int, socket, int domain, int type, int protocol) {
  if (kernel::current() == nullptr) return __real_socket(domain, type, protocol);
  return kernel::current()->make_socket();
}

CETANE_WRAPPED(int, bind, int fd, const sockaddr* where, socklen_t length) {
  if (own(fd) == nullptr) return __real_bind(fd, where, length);
  return result(own(fd)->bind(fd, where));
}

CETANE_WRAPPED(int, listen, int fd, int backlog) {
  if (own(fd) == nullptr) return __real_listen(fd, backlog);
  return result(own(fd)->listen(fd));
}

CETANE_WRAPPED(int, accept4, int fd, sockaddr* peer, socklen_t* length, int flags) {
  if (own(fd) == nullptr) return __real_accept4(fd, peer, length, flags);
  cetane::fuzz::require((flags & (SOCK_NONBLOCK | SOCK_CLOEXEC)) == (SOCK_NONBLOCK | SOCK_CLOEXEC),
                        "what is accepted does not block and is not inherited");
  return result(own(fd)->accept(fd, peer, length));
}

CETANE_WRAPPED(int, getsockname, int fd, sockaddr* out, socklen_t* length) {
  if (own(fd) == nullptr) return __real_getsockname(fd, out, length);
  return result(own(fd)->name(fd, false, out, length));
}

CETANE_WRAPPED(int, getpeername, int fd, sockaddr* out, socklen_t* length) {
  if (own(fd) == nullptr) return __real_getpeername(fd, out, length);
  return result(own(fd)->name(fd, true, out, length));
}

CETANE_WRAPPED(int, setsockopt, int fd, int layer, int name, const void* value, socklen_t size) {
  if (own(fd) == nullptr) return __real_setsockopt(fd, layer, name, value, size);
  const bool lingers = layer == SOL_SOCKET && name == SO_LINGER;
  return result(lingers ? own(fd)->set_linger(fd) : own(fd)->check_open(fd));
}

CETANE_WRAPPED(int, getsockopt, int fd, int layer, int name, void* value, socklen_t* size) {
  if (own(fd) == nullptr) return __real_getsockopt(fd, layer, name, value, size);
  *static_cast<int*>(value) = own(fd)->take_failure(fd);
  return 0;
}

CETANE_WRAPPED(int, shutdown, int fd, int how) {
  if (own(fd) == nullptr) return __real_shutdown(fd, how);
  return result(own(fd)->shutdown(fd));
}

CETANE_WRAPPED(ssize_t, recv, int fd, void* buffer, size_t size, int flags) {
  if (own(fd) == nullptr) return __real_recv(fd, buffer, size, flags);
  return result(own(fd)->receive(fd, static_cast<char*>(buffer), size));
}

CETANE_WRAPPED(ssize_t, read, int fd, void* buffer, size_t size) {
  if (own(fd) == nullptr) return __real_read(fd, buffer, size);
  return result(own(fd)->receive(fd, static_cast<char*>(buffer), size));
}

CETANE_WRAPPED(ssize_t, send, int fd, const void* bytes, size_t size, int flags) {
  if (own(fd) == nullptr) return __real_send(fd, bytes, size, flags);
  return result(own(fd)->send(fd, {static_cast<const char*>(bytes), size}, flags));
}

CETANE_WRAPPED(ssize_t, sendmsg, int fd, const msghdr* message, int flags) {
  if (own(fd) == nullptr) return __real_sendmsg(fd, message, flags);
  return result(send_all(*own(fd), fd, *message, flags));
}

CETANE_WRAPPED(ssize_t, write, int fd, const void* bytes, size_t size) {
  if (own(fd) == nullptr) return __real_write(fd, bytes, size);
  return result(own(fd)->check_open(fd)) == 0 ? static_cast<ssize_t>(size) : -1;  // the wake-up
}

CETANE_WRAPPED(int, close, int fd) {
  if (own(fd) == nullptr) return __real_close(fd);
  return result(own(fd)->close(fd));
}

CETANE_WRAPPED(int, epoll_ctl, int epoll, int operation, int fd, epoll_event* event) {
  if (own(epoll) == nullptr) return __real_epoll_ctl(epoll, operation, fd, event);
  return result(own(epoll)->control(epoll, operation, fd, event));
}

CETANE_WRAPPED(int, epoll_wait, int epoll, epoll_event* out, int most, int timeout) {
  if (own(epoll) == nullptr) return __real_epoll_wait(epoll, out, most, timeout);
  constexpr std::int64_t millisecond = 1'000'000;
  return result(own(epoll)->wait(epoll, out, most, timeout * millisecond));
}

CETANE_WRAPPED(int, epoll_pwait2, int epoll, epoll_event* out, int most, const timespec* span,
               const sigset_t* signals) {
  if (own(epoll) == nullptr) return __real_epoll_pwait2(epoll, out, most, span, signals);
  constexpr std::int64_t second = 1'000'000'000;
  return result(own(epoll)->wait(epoll, out, most, span->tv_sec * second + span->tv_nsec));
}

CETANE_WRAPPED(int, ppoll, pollfd* first, nfds_t count, const timespec* span,
               const sigset_t* signals) {
  if (own(first->fd) == nullptr) return __real_ppoll(first, count, span, signals);
  return result(own(first->fd)->wait_for_input(first->fd));
}

CETANE_WRAPPED(int, fcntl64, int fd, int command, ...) {
  va_list arguments;
  va_start(arguments, command);
  void* const argument = va_arg(arguments, void*);
  va_end(arguments);
  if (own(fd) == nullptr) return __real_fcntl64(fd, command, argument);
  return result(own(fd)->duplicate(fd));
}

CETANE_WRAPPED(int, ioctl, int fd, unsigned long request, ...) {
  va_list arguments;
  va_start(arguments, request);
  void* const argument = va_arg(arguments, void*);
  va_end(arguments);
  if (own(fd) == nullptr || request != SIOCOUTQ) return __real_ioctl(fd, request, argument);
  *static_cast<int*>(argument) = 0;  // the peer's system takes everything at once
  return result(own(fd)->check_open(fd));
}

#undef CETANE_WRAPPED
}

// NOLINTEND(bugprone-reserved-identifier)
