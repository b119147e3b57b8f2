#include <cetane/polling/select.hpp>

#include "polling/timeout.hpp"

#include <cetane/base/errors.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>

#include <fcntl.h>
#include <sys/select.h>

namespace cetane::polling {
namespace {

class descriptor_set {
 public:
  explicit descriptor_set(const std::vector<int>& descriptors) : descriptors_(descriptors) {
    FD_ZERO(&set_);
    for (const int fd : descriptors) {
      refuse_bad(fd);
      FD_SET(fd, &set_);
      end_ = std::max(end_, fd + 1);
    }
  }

  fd_set* refill(fd_set& working) const noexcept {
    working = set_;
    return &working;
  }
  int end() const noexcept { return end_; }

  std::vector<int> those_in(const fd_set& result) const {
    std::vector<int> found;
    for (const int fd : descriptors_) {
      if (FD_ISSET(fd, &result)) found.push_back(fd);
    }
    return found;
  }

 private:
  static void refuse_bad(int fd) {
    if (fd >= FD_SETSIZE) {
      throw error(error::whole_text(
                      fmt::format("select on descriptor {}: select(2) takes descriptors below {} "
                                  "only; use polling::poll or polling::epoll",
                                  fd, FD_SETSIZE)),
                  std::make_error_code(std::errc::invalid_argument));
    }
    if (fd < 0 || ::fcntl(fd, F_GETFD) < 0) {
      throw error(fmt::format("select on descriptor {}", fd), system_code(EBADF));
    }
  }

  const std::vector<int>& descriptors_;
  fd_set set_;
  int end_ = 0;
};

}  // namespace

selected select(const std::vector<int>& readers, const std::vector<int>& writers,
                const std::vector<int>& errors, std::optional<any_duration> timeout) {
  time_left left(timeout, "select");
  const descriptor_set to_read(readers), to_write(writers), to_fail(errors);
  const int end = std::max({to_read.end(), to_write.end(), to_fail.end()});
  fd_set readable, writable, failed;
  int count = 0;
  do {
    count = ::pselect(end, to_read.refill(readable), to_write.refill(writable),
                      to_fail.refill(failed), left.get(), nullptr);
  } while (count < 0 && errno == EINTR);
  if (count < 0) throw error("select", system_code(errno));
  if (count == 0) return {};
  return {to_read.those_in(readable), to_write.those_in(writable), to_fail.those_in(failed)};
}

}  // namespace cetane::polling
