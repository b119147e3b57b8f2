#include <os/passed_descriptors.hpp>

#include <os/socket_option.hpp>
#include <os/syscalls.hpp>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <sys/socket.h>
#include <sys/uio.h>

namespace cetane::os {
namespace {

struct alignas(cmsghdr) control_block {
  char bytes[CMSG_SPACE(most_passed_descriptors * sizeof(int))];
};

// Data of control messages need not be aligned as it should be (cmsg(3)).
void take_numbers(const cmsghdr& from, passed_descriptors& out) noexcept {
  const std::size_t count = (from.cmsg_len - CMSG_LEN(0)) / sizeof(int);
  std::memcpy(out.numbers.data() + out.count, CMSG_DATA(&from), count * sizeof(int));
  out.count += count;
}

}  // namespace

void expect_descriptors_only(int socket) noexcept {
  constexpr int pass_pidfd = 76;  // SO_PASSPIDFD, Linux 6.5
  for (const int option : {SO_PASSCRED, SO_PASSSEC, pass_pidfd})
    set_option(socket, SOL_SOCKET, option, 0);
}

// The length says exactly how many there is room for: CMSG_SPACE() would let one more in.
long receive_with_descriptors(int socket, char* to, std::size_t size, std::size_t room,
                              passed_descriptors& out) noexcept {
  control_block control;
  iovec part{to, size};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.bytes;
  message.msg_controllen = CMSG_LEN(std::min(room, most_passed_descriptors) * sizeof(int));
  const ssize_t count = ::recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  out.count = 0;
  if (count < 0) return -errno;
  out.cut = (message.msg_flags & MSG_CTRUNC) != 0;
  for (cmsghdr* each = CMSG_FIRSTHDR(&message); each != nullptr;
       each = CMSG_NXTHDR(&message, each)) {
    if (each->cmsg_level == SOL_SOCKET && each->cmsg_type == SCM_RIGHTS) take_numbers(*each, out);
  }
  return count;
}

long send_with_descriptors(int socket, std::string_view bytes,
                           std::span<const int> descriptors) noexcept {
  if (descriptors.size() > most_passed_descriptors) return -EINVAL;
  control_block control;
  iovec part{const_cast<char*>(bytes.data()), bytes.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (!descriptors.empty()) {
    message.msg_control = control.bytes;
    message.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
    cmsghdr& header = *CMSG_FIRSTHDR(&message);
    header.cmsg_level = SOL_SOCKET;
    header.cmsg_type = SCM_RIGHTS;
    header.cmsg_len = CMSG_LEN(descriptors.size_bytes());
    std::memcpy(CMSG_DATA(&header), descriptors.data(), descriptors.size_bytes());
  }
  for (;;) {
    const long sent = os::sendmsg(socket, message);
    if (sent != -EINTR) return sent;
  }
}

// The kernel answers for every kind of socket, with nobody's numbers where it is no Unix socket.
int ask_peer_credentials(int socket, peer_credentials& out) noexcept {
  int domain = 0;
  socklen_t length = sizeof domain;
  if (::getsockopt(socket, SOL_SOCKET, SO_DOMAIN, &domain, &length) < 0) return -errno;
  if (domain != AF_UNIX) return -EOPNOTSUPP;
  ucred found{};
  length = sizeof found;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &found, &length) < 0) return -errno;
  out = {found.pid, found.uid, found.gid};
  return 0;
}

}  // namespace cetane::os
