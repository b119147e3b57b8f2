#include "os/file.hpp"

#include <cerrno>
#include <csignal>

#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

namespace cetane::os {
namespace {

// Keeps a call that has no flag against it from raising SIGPIPE in this thread. What the program
// does with the signal is its own affair, and one that has waited before goes on waiting.
class sigpipe_blocked {
 public:
  sigpipe_blocked() noexcept {
    sigset_t pending;
    ::sigpending(&pending);
    was_pending_ = ::sigismember(&pending, SIGPIPE) == 1;
    ::sigemptyset(&sigpipe_);
    ::sigaddset(&sigpipe_, SIGPIPE);
    ::pthread_sigmask(SIG_BLOCK, &sigpipe_, &before_);
  }
  sigpipe_blocked(const sigpipe_blocked&) = delete;
  sigpipe_blocked& operator=(const sigpipe_blocked&) = delete;
  ~sigpipe_blocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

  /// Takes back the signal that the call has raised.
  void take_back() noexcept {
    const timespec at_once{};
    while (!was_pending_ && ::sigtimedwait(&sigpipe_, nullptr, &at_once) < 0 && errno == EINTR) {
    }
  }

 private:
  sigset_t sigpipe_;
  sigset_t before_;
  bool was_pending_;
};

}  // namespace

int open_for_reading(const char* path, unique_fd& out) noexcept {
  int fd = -1;
  do {
    // A FIFO without a writer would make the caller wait for one.
    fd = ::open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  } while (fd < 0 && errno == EINTR);  // possible on network file systems
  if (fd < 0) return -errno;
  out.reset(fd);
  return 0;
}

int look_at_file(int fd, file_facts& out) noexcept {
  struct stat facts {};
  if (::fstat(fd, &facts) < 0) return -errno;
  out.is_regular = S_ISREG(facts.st_mode);
  out.size = static_cast<std::uint64_t>(facts.st_size);
  return 0;
}

int identify_file(const char* path, file_identity& out) noexcept {
  struct stat facts {};
  if (::lstat(path, &facts) < 0) return -errno;
  out.device = facts.st_dev;
  out.number = facts.st_ino;
  return 0;
}

long read_at(int fd, void* buffer, std::size_t size, std::uint64_t offset) noexcept {
  std::size_t done = 0;
  while (done < size) {
    const ssize_t count = ::pread(fd, static_cast<char*>(buffer) + done, size - done,
                                  static_cast<off_t>(offset + done));
    if (count == 0) break;
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && done == 0) return -errno;
    if (count < 0) break;  // what has been read is good; the next call meets the failure again
    done += static_cast<std::size_t>(count);
  }
  return static_cast<long>(done);
}

long send_file(int socket, int file, std::uint64_t& offset, std::size_t count) noexcept {
  off_t position = static_cast<off_t>(offset);
  ssize_t sent = 0;
  sigpipe_blocked guard;
  do {
    sent = ::sendfile(socket, file, &position, count);
  } while (sent < 0 && errno == EINTR);
  if (sent < 0) {
    const int error = errno;
    if (error == EPIPE) guard.take_back();
    return -error;
  }
  offset = static_cast<std::uint64_t>(position);
  return sent;
}

}  // namespace cetane::os
