#pragma once

#include <cetane/base/limits.hpp>
#include <cetane/os/peer_credentials.hpp>

#include <array>
#include <cstddef>
#include <span>
#include <string_view>

/// What a Unix socket carries besides bytes. The calls return a count or 0 for success, and a
/// negative errno otherwise; none of them waits.
namespace cetane::os {

/// Descriptors that have come with a message.
struct passed_descriptors {
  std::span<const int> view() const noexcept { return {numbers.data(), count}; }

  std::array<int, most_passed_descriptors> numbers;
  std::size_t count = 0;
  bool cut = false;  // there were more: than there was room for, or than the process may have
};

/// Lets nothing else than descriptors come with bytes: a socket that was made elsewhere may have
/// been asked for its peer's credentials with each message, which take the room of descriptors.
void expect_descriptors_only(int socket) noexcept;

/// Receives bytes, and up to `room` descriptors that came with them: all closed on exec, and the
/// caller's. What is beyond that the kernel closes.
///
/// One call takes the descriptors of one message at most, and no bytes of what was sent after it.
long receive_with_descriptors(int socket, char* to, std::size_t size, std::size_t room,
                              passed_descriptors& out) noexcept;

/// Sends bytes, one at least, and copies of descriptors with the first of them.
long send_with_descriptors(int socket, std::string_view bytes,
                           std::span<const int> descriptors) noexcept;

/// Who has connected, or listens at the other end; -EOPNOTSUPP for what is no Unix socket.
int ask_peer_credentials(int socket, peer_credentials& out) noexcept;

}  // namespace cetane::os
