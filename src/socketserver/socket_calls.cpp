#include "socketserver/socket_calls.hpp"

#include <cerrno>

#include <sys/socket.h>

namespace cetane::socketserver::detail {
namespace {

int result_of(int returned) noexcept { return returned < 0 ? -errno : returned; }

int set(int fd, int option) noexcept {
  const int on = 1;
  return result_of(::setsockopt(fd, SOL_SOCKET, option, &on, sizeof on));
}

}  // namespace

int open_socket(cetane::address_family family, int type, unique_fd& out) noexcept {
  int domain = AF_UNIX;
  if (family == cetane::address_family::ipv4) domain = AF_INET;
  if (family == cetane::address_family::ipv6) domain = AF_INET6;
  out.reset(::socket(domain, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  return out ? 0 : -errno;
}

int reuse_address(int fd) noexcept { return set(fd, SO_REUSEADDR); }

int reuse_port(int fd) noexcept { return set(fd, SO_REUSEPORT); }

int bind_to(int fd, const address& where) noexcept {
  sockaddr_storage raw;
  const auto length = where.to_sockaddr(raw);
  return result_of(::bind(fd, reinterpret_cast<const sockaddr*>(&raw), length));
}

int listen(int fd, int backlog) noexcept { return result_of(::listen(fd, backlog)); }

int accept(int fd, unique_fd& out, address& peer) noexcept {
  sockaddr_storage raw{};
  socklen_t length = sizeof raw;
  auto* const from = reinterpret_cast<sockaddr*>(&raw);
  out.reset(::accept4(fd, from, &length, SOCK_CLOEXEC));
  if (!out) return -errno;
  peer = address::from_sockaddr(from, length);
  return 0;
}

long take_datagram(int fd, char* buffer, std::size_t size, address& sender) noexcept {
  sockaddr_storage raw{};
  socklen_t length = sizeof raw;
  auto* const from = reinterpret_cast<sockaddr*>(&raw);
  const ssize_t count = ::recvfrom(fd, buffer, size, MSG_DONTWAIT, from, &length);
  if (count < 0) return -errno;
  sender = address::from_sockaddr(from, length);
  return count;
}

}  // namespace cetane::socketserver::detail
