#include "channel.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <stdexcept>
#include <system_error>

namespace load {
namespace {

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

}  // namespace

int connect_to(const std::string& host, int port, bool datagrams) {
  sockaddr_in there{};
  there.sin_family = AF_INET;
  there.sin_port = htons(static_cast<std::uint16_t>(port));
  if (inet_pton(AF_INET, host.c_str(), &there.sin_addr) != 1)
    throw std::runtime_error("not an IPv4 address: " + host);
  const int fd = socket(AF_INET, (datagrams ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0);
  if (fd < 0) fail("socket");
  if (connect(fd, reinterpret_cast<const sockaddr*>(&there), sizeof there) < 0) fail("connect");
  const int on = 1;
  if (!datagrams) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}

channel::channel(int fd) : fd_(fd) { fcntl(fd, F_SETFL, O_NONBLOCK); }

channel::~channel() { close(fd_); }

ssize_t channel::receive(char* to, std::size_t room) { return recv(fd_, to, room, 0); }

ssize_t channel::send(std::string_view bytes) {
  return ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
}

}  // namespace load
