#pragma once

#include <cetane/os/address.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/uio.h>

namespace cetane::os {

/// Where an IP datagram goes, as the system reads it. No place at all: to a socket's only peer.
union ip_place {
  ip_place() noexcept : v6() {}
  explicit ip_place(const address& to) noexcept : v6() {
    if (to.family() == address_family::ipv4) {
      v4.sin_family = AF_INET;
      v4.sin_port = htons(to.port());
      const auto words = to.ip_words();
      std::memcpy(&v4.sin_addr, &words[1], sizeof v4.sin_addr);
    } else {
      set_other(to);
    }
  }

  socklen_t length() const noexcept {
    if (v4.sin_family == AF_INET) return sizeof v4;
    return v6.sin6_family == AF_INET6 ? sizeof v6 : 0;
  }
  const sockaddr* get() const noexcept { return reinterpret_cast<const sockaddr*>(this); }
  address value() const noexcept { return address::from_sockaddr(get(), length()); }
  // The family, the port and an IPv4 address stand in front.
  bool operator==(const ip_place& other) const noexcept {
    if (std::memcmp(this, &other, sizeof(std::uint64_t)) != 0) return false;
    return v4.sin_family != AF_INET6 || std::memcmp(&v6, &other.v6, sizeof v6) == 0;
  }

  sockaddr_in v4;
  sockaddr_in6 v6;

 private:
  void set_other(const address& to) noexcept;
};

/// Copies of IP datagrams that are to be sent together from one socket, and what the system call
/// needs besides.
///
/// Those that stand side by side, go to one place and have one size, the last of them perhaps less,
/// may leave as one message that the system cuts (UDP_SEGMENT, Linux 4.18): it goes through the
/// system's layers once.
class datagram_outbox {
 public:
  static constexpr std::size_t most = 64;
  static constexpr std::size_t most_bytes = 65536;
  /// What is longer is not worth a copy.
  static constexpr std::size_t longest = 4096;

  datagram_outbox() noexcept;
  datagram_outbox(const datagram_outbox&) = delete;
  datagram_outbox& operator=(const datagram_outbox&) = delete;

  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }
  bool has_room_for(std::size_t bytes) const noexcept {
    return size_ != most && most_bytes - used_ >= bytes;
  }

  /// Adds a datagram of `size` bytes, for which there is room, made of these parts.
  void add(const ip_place& to, const std::string_view* parts, std::size_t count,
           std::size_t size) noexcept {
    char* at = block_.data() + used_;
    letters_[size_] = {at, size};
    places_[size_] = to;
    for (std::size_t i = 0; i < count; ++i) {
      if (parts[i].empty()) continue;  // perhaps it has no address
      std::memcpy(at, parts[i].data(), parts[i].size());
      at += parts[i].size();
    }
    used_ += size;
    ++size_;
  }
  void clear() noexcept { size_ = used_ = 0; }

  const ip_place& place(std::size_t index) const noexcept { return places_[index]; }
  std::string_view bytes(std::size_t index) const noexcept { return letters_[index]; }

  /// How many from number `first` on can leave as one message.
  std::size_t run_at(std::size_t first) const noexcept;

  /// Sends those from number `first` on, in their order: how many have left, at least one; or a
  /// negative errno value, which may be one of an earlier datagram, see send_datagram().
  ///
  /// @param segments  Whether a run leaves as one message. If that is refused, so is perhaps only
  ///                  that it is one: what it is longer than the way there takes at a time, for
  ///                  example.
  int send(int socket, std::size_t first, bool segments) const noexcept;

 private:
  struct control {
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(std::uint16_t))> bytes;
  };
  void write_message(std::size_t index, std::size_t first) const noexcept;
  /// Makes it one of `count` datagrams.
  void widen_message(std::size_t index, std::size_t first, std::size_t count) const noexcept;

  std::size_t size_ = 0;
  std::size_t used_ = 0;  // of block_
  std::array<std::string_view, most> letters_;
  std::array<ip_place, most> places_;
  std::array<char, most_bytes> block_;

  // Put together for each call.
  mutable std::array<mmsghdr, most> messages_;
  mutable std::array<iovec, most> parts_;
  mutable std::array<control, most> controls_;
};

}  // namespace cetane::os
