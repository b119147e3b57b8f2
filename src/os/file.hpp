#pragma once

#include <cetane/os/unique_fd.hpp>

#include <cstddef>
#include <cstdint>

/// Files to send from. Calls return a negative errno on failure and throw nothing.
namespace cetane::os {

/// Never waits, whatever kind of file it is.
int open_for_reading(const char* path, unique_fd& out) noexcept;

struct file_facts {
  std::uint64_t size = 0;
  bool is_regular = false;  ///< has a size, and can be read at any place
};

int look_at_file(int fd, file_facts& out) noexcept;

/// Which file a path leads to, symbolic links not followed; the same for two paths to one file.
struct file_identity {
  std::uint64_t device = 0;
  std::uint64_t number = 0;

  bool operator==(const file_identity&) const = default;
};

int identify_file(const char* path, file_identity& out) noexcept;

/// Reads at most `size` bytes at `offset`, fewer only at the end of the file; returns how many.
long read_at(int fd, void* buffer, std::size_t size, std::uint64_t offset) noexcept;

/// Sends at most `count` bytes of a file, from `offset` on, to a socket; moves `offset` and returns
/// how many went.
///
/// -EAGAIN: the socket takes nothing now; 0: the file has no more; -EINVAL: not a file that
/// sendfile(2) can read. Raises no SIGPIPE.
long send_file(int socket, int file, std::uint64_t& offset, std::size_t count) noexcept;

}  // namespace cetane::os
