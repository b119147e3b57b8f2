#include <os/datagram.hpp>

#include <os/raw_address.hpp>
#include <os/socket.hpp>
#include <os/socket_option.hpp>
#include <os/syscalls.hpp>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>
#include <string_view>
#include <utility>

#include <linux/errqueue.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/mman.h>
#include <unistd.h>

namespace cetane::os {
namespace {

// An IPv6 socket meets IPv4 peers too.
int prepare(int fd, address_family family, const datagram_options& options) noexcept {
  int result = 0;
  if (options.reuse_port) result = set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
  if (result == 0 && options.share_port) result = set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  ask_for_losses(fd, family);
  if (options.merged && family != address_family::unix_socket) {
    set_option(fd, IPPROTO_UDP, UDP_GRO, 1);  // a kernel that cannot brings them one by one
  }
  if (family == address_family::ipv6 && result == 0)
    result = set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
  return result;
}

// With nothing but a family in its address a Unix socket gets a name that nobody has.
int bind_anywhere(int fd, address_family family) noexcept {
  if (family != address_family::unix_socket) return 0;
  const sockaddr nameless{AF_UNIX, {}};
  return result_of(::bind(fd, &nameless, sizeof nameless.sa_family));
}

int set_peer(int fd, const address& to) noexcept {
  raw_address raw(to);
  return result_of(::connect(fd, raw.get(), raw.length()));
}

// Descriptors came along, which any sender to a Unix socket may do. Nobody here asks for them.
void close_passed(const cmsghdr& passed) noexcept {
  const std::size_t count = (passed.cmsg_len - CMSG_LEN(0)) / sizeof(int);
  for (std::size_t i = 0; i < count; ++i) {
    int number = -1;
    std::memcpy(&number, CMSG_DATA(&passed) + i * sizeof number, sizeof number);
    ::close(number);
  }
}

// What the kernel says of a message besides its bytes.
struct message_notes {
  std::uint32_t lost = 0;
  std::size_t each = 0;  // of several datagrams; the last may be shorter. 0: it is one
};

message_notes notes_of(const msghdr& header) noexcept {
  message_notes notes;
  for (cmsghdr* each = CMSG_FIRSTHDR(&header); each != nullptr;
       each = CMSG_NXTHDR(const_cast<msghdr*>(&header), each)) {
    if (each->cmsg_level == SOL_SOCKET && each->cmsg_type == SCM_RIGHTS) {
      close_passed(*each);
    } else if (each->cmsg_level == SOL_SOCKET && each->cmsg_type == SO_RXQ_OVFL) {
      std::memcpy(&notes.lost, CMSG_DATA(each), sizeof notes.lost);
    } else if (each->cmsg_level == IPPROTO_UDP && each->cmsg_type == UDP_GRO) {
      int size = 0;
      std::memcpy(&size, CMSG_DATA(each), sizeof size);
      notes.each = size > 0 ? static_cast<std::size_t>(size) : 0;
    }
  }
  return notes;
}

const sock_extended_err* find_failure(msghdr& header) noexcept {
  for (cmsghdr* each = CMSG_FIRSTHDR(&header); each != nullptr; each = CMSG_NXTHDR(&header, each)) {
    const bool v4 = each->cmsg_level == SOL_IP && each->cmsg_type == IP_RECVERR;
    const bool v6 = each->cmsg_level == SOL_IPV6 && each->cmsg_type == IPV6_RECVERR;
    if (v4 || v6) return reinterpret_cast<const sock_extended_err*>(CMSG_DATA(each));
  }
  return nullptr;
}

int set_ipv4_membership(int socket, raw_address& group, raw_address& on, bool member) noexcept {
  ip_mreqn request{};
  request.imr_multiaddr = reinterpret_cast<sockaddr_in*>(group.get())->sin_addr;
  if (on.length() != 0) request.imr_address = reinterpret_cast<sockaddr_in*>(on.get())->sin_addr;
  const int name = member ? IP_ADD_MEMBERSHIP : IP_DROP_MEMBERSHIP;
  return result_of(::setsockopt(socket, IPPROTO_IP, name, &request, sizeof request));
}

// An interface is told by the zone of a link-local address: ff02::1%eth0.
int set_ipv6_membership(int socket, raw_address& group, bool member) noexcept {
  const auto& at = *reinterpret_cast<sockaddr_in6*>(group.get());
  ipv6_mreq request{};
  request.ipv6mr_multiaddr = at.sin6_addr;
  request.ipv6mr_interface = at.sin6_scope_id;
  const int name = member ? IPV6_ADD_MEMBERSHIP : IPV6_DROP_MEMBERSHIP;
  return result_of(::setsockopt(socket, IPPROTO_IPV6, name, &request, sizeof request));
}

}  // namespace

int open_datagram_socket(const address& at, const address* to, const datagram_options& options,
                         unique_fd& out) noexcept {
  const bool anywhere = at.family() == address_family::none;
  if (anywhere && to == nullptr) return -EAFNOSUPPORT;
  const address_family family = anywhere ? to->family() : at.family();
  unique_fd fd;
  int result = open_socket(family, SOCK_DGRAM, fd);
  if (result == 0) result = prepare(fd.get(), family, options);
  if (result == 0) {
    result = anywhere ? bind_anywhere(fd.get(), family) : bind_socket(fd.get(), SOCK_DGRAM, at);
  }
  if (result == 0 && to != nullptr) result = set_peer(fd.get(), *to);
  if (result == 0) out = std::move(fd);
  return result;
}

void datagram_batch::unmap::operator()(char* block) const noexcept {
  ::munmap(block, most * stride);
}

datagram_batch::datagram_batch() : arrived_(most) {
  void* const block = ::mmap(nullptr, most * stride, PROT_READ | PROT_WRITE,
                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (block == MAP_FAILED) throw std::bad_alloc();
  block_.reset(static_cast<char*>(block));
  for (std::size_t i = 0; i < most; ++i) {
    parts_[i] = {block_.get() + i * stride, most_bytes};
    msghdr& header = messages_[i].msg_hdr;
    header = {};
    header.msg_name = &senders_[i];
    header.msg_iov = &parts_[i];
    header.msg_iovlen = 1;
    header.msg_control = controls_[i].bytes.data();
    prepare(header);
  }
}

inline void datagram_batch::prepare(msghdr& header) noexcept {
  header.msg_namelen = sizeof(sockaddr_storage);
  header.msg_controllen = sizeof(control);
}

// The kernel changes only the headers of what it has brought. It is asked for whole messages
// whatever the limit is, which is that of a datagram.
int datagram_batch::receive(int socket, std::size_t limit, std::size_t count) noexcept {
  count_ = 0;
  int result = 0;
  do {
    result =
        result_of(::recvmmsg(socket, messages_.data(), static_cast<unsigned>(std::min(count, most)),
                             MSG_DONTWAIT | MSG_CMSG_CLOEXEC, nullptr));
  } while (result == -EINTR);
  for (int i = 0; i < result; ++i) {
    mmsghdr& message = messages_[static_cast<std::size_t>(i)];
    take(message, limit);
    prepare(message.msg_hdr);
  }
  return result;
}

bool datagram_batch::make_room() noexcept {
  try {
    arrived_.resize(2 * room_);
    room_ = arrived_.size();
    return true;
  } catch (const std::bad_alloc&) {
    return false;
  }
}

inline arrived_datagram* datagram_batch::add(std::string_view whole, const msghdr& of,
                                             std::size_t limit) noexcept {
  if (count_ == room_ && !make_room()) return nullptr;
  arrived_datagram& one = arrived_[count_++];
  one.bytes = {whole.data(), std::min(whole.size(), limit)};
  one.from.assign(static_cast<const sockaddr*>(of.msg_name), of.msg_namelen);
  one.lost = 0;
  one.truncated = whole.size() > limit || (of.msg_flags & MSG_TRUNC) != 0;
  return &one;
}

inline void datagram_batch::take(const mmsghdr& message, std::size_t limit) noexcept {
  if (message.msg_hdr.msg_controllen != 0) return take_apart(message, limit);
  add({static_cast<const char*>(message.msg_hdr.msg_iov->iov_base), message.msg_len},
      message.msg_hdr, limit);
}

// UDP fits into the room that there is, so that only a Unix socket's, which is one, is truncated.
void datagram_batch::take_apart(const mmsghdr& message, std::size_t limit) noexcept {
  const msghdr& header = message.msg_hdr;
  const message_notes notes = notes_of(header);
  std::string_view rest(static_cast<const char*>(header.msg_iov->iov_base), message.msg_len);
  const std::size_t each = notes.each == 0 ? rest.size() : notes.each;
  do {
    const std::string_view whole = rest.substr(0, each);
    rest.remove_prefix(whole.size());
    arrived_datagram* const one = add(whole, header, limit);
    if (one == nullptr) return;
    one->lost = notes.lost;
  } while (!rest.empty());
}

ssize_t send_datagram(int socket, const address* to, const iovec* parts, int count) noexcept {
  sockaddr_storage raw;
  msghdr message{};
  if (to != nullptr) {
    message.msg_namelen = to->to_sockaddr(raw);
    message.msg_name = &raw;
  }
  message.msg_iov = const_cast<iovec*>(parts);
  message.msg_iovlen = static_cast<std::size_t>(count);
  for (;;) {
    const long sent = os::sendmsg(socket, message);
    if (sent != -EINTR) return sent;
  }
}

int take_datagram_failure(int socket, datagram_failure& out) noexcept {
  for (;;) {
    raw_address about;
    alignas(cmsghdr) std::array<char, 512> control;
    msghdr header{};
    header.msg_name = about.get();
    header.msg_namelen = *about.length_for_result();
    header.msg_control = control.data();
    header.msg_controllen = control.size();
    const int result =
        result_of(static_cast<int>(::recvmsg(socket, &header, MSG_ERRQUEUE | MSG_DONTWAIT)));
    if (result == -EINTR) continue;
    if (result < 0) return -EAGAIN;
    const sock_extended_err* const failure = find_failure(header);
    if (failure == nullptr || failure->ee_origin == SO_EE_ORIGIN_LOCAL) continue;
    *about.length_for_result() = header.msg_namelen;
    out.about = about.value();
    out.error = static_cast<int>(failure->ee_errno);
    return 0;
  }
}

int set_membership(int socket, const address& group, const address& on, bool member) noexcept {
  raw_address raw_group(group);
  raw_address raw_on(on);
  if (group.family() == address_family::ipv4) {
    const bool fits = on.family() == address_family::ipv4 || on.family() == address_family::none;
    return fits ? set_ipv4_membership(socket, raw_group, raw_on, member) : -EINVAL;
  }
  if (group.family() != address_family::ipv6 || on.family() != address_family::none) return -EINVAL;
  return set_ipv6_membership(socket, raw_group, member);
}

int set_broadcast(int socket, bool allowed) noexcept {
  return set_option(socket, SOL_SOCKET, SO_BROADCAST, allowed ? 1 : 0);
}

}  // namespace cetane::os
