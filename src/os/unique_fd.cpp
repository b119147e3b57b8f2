#include <cetane/os/unique_fd.hpp>

#include <unistd.h>

namespace cetane {

void unique_fd::reset(int fd) noexcept {
  const int old = std::exchange(fd_, fd);
  // Never again after EINTR: Linux has freed the number by then, and another thread may own it
  // already (close(2)).
  if (old >= 0) ::close(old);
}

}  // namespace cetane
