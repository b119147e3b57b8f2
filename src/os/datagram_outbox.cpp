#include <os/datagram_outbox.hpp>

#include <os/syscalls.hpp>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <numeric>

#include <netinet/udp.h>

namespace cetane::os {
namespace {

constexpr std::size_t most_segments = 64;       // UDP_MAX_SEGMENTS of the oldest kernels
constexpr std::size_t longest_message = 65507;  // one datagram as far as IP is concerned

}  // namespace

void ip_place::set_other(const address& to) noexcept {
  sockaddr_storage all;
  const std::size_t length = to.to_sockaddr(all);
  std::memcpy(&v6, &all, std::min(length, sizeof v6));
}

datagram_outbox::datagram_outbox() noexcept {
  for (std::size_t i = 0; i < most; ++i) {
    msghdr& header = messages_[i].msg_hdr;
    header = {};
    header.msg_iov = &parts_[i];
    header.msg_iovlen = 1;
  }
}

// They stand one after the other in the block.
std::size_t datagram_outbox::run_at(std::size_t first) const noexcept {
  const std::size_t each = letters_[first].size();
  if (each == 0) return 1;
  const std::size_t fit = std::min(most_segments, longest_message / each);
  const std::size_t end = std::min(size_, first + fit);
  std::size_t next = first + 1;
  for (; next < end; ++next) {
    const std::size_t length = letters_[next].size();
    if (length == 0 || length > each || places_[next] != places_[first]) break;
    if (length < each) return next + 1 - first;
  }
  return next - first;
}

inline void datagram_outbox::write_message(std::size_t index, std::size_t first) const noexcept {
  const ip_place& to = places_[first];
  parts_[index] = {const_cast<char*>(letters_[first].data()), letters_[first].size()};
  msghdr& header = messages_[index].msg_hdr;
  header.msg_namelen = to.length();
  header.msg_name = header.msg_namelen == 0 ? nullptr : const_cast<sockaddr*>(to.get());
  header.msg_controllen = 0;
}

void datagram_outbox::widen_message(std::size_t index, std::size_t first,
                                    std::size_t count) const noexcept {
  const std::string_view last = letters_[first + count - 1];
  parts_[index].iov_len =
      static_cast<std::size_t>(last.data() - letters_[first].data()) + last.size();
  msghdr& header = messages_[index].msg_hdr;
  header.msg_control = controls_[index].bytes.data();
  header.msg_controllen = controls_[index].bytes.size();
  cmsghdr& segment = *CMSG_FIRSTHDR(&header);
  segment.cmsg_level = IPPROTO_UDP;
  segment.cmsg_type = UDP_SEGMENT;
  segment.cmsg_len = CMSG_LEN(sizeof(std::uint16_t));
  const auto each = static_cast<std::uint16_t>(letters_[first].size());
  std::memcpy(CMSG_DATA(&segment), &each, sizeof each);
}

int datagram_outbox::send(int socket, std::size_t first, bool segments) const noexcept {
  std::array<std::uint8_t, most> counts;
  unsigned messages = 0;
  for (std::size_t next = first; next < size_; next += counts[messages++]) {
    write_message(messages, next);
    counts[messages] = 1;
    if (!segments || next + 1 == size_ || places_[next] != places_[next + 1]) continue;
    const std::size_t run = run_at(next);
    counts[messages] = static_cast<std::uint8_t>(run);
    if (run > 1) widen_message(messages, next, run);
  }
  long result = 0;
  do {
    result = os::sendmmsg(socket, messages_.data(), messages);
  } while (result == -EINTR);
  if (result < 0) return static_cast<int>(result);
  return std::accumulate(counts.begin(), counts.begin() + result, 0);
}

}  // namespace cetane::os
