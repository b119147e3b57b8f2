// Whether io_uring works here is found out by using it: version numbers say nothing about what a
// distribution has brought back, what a sandbox imitates, or what a container forbids.
#include <backend/io_uring_buffers.hpp>
#include <backend/io_uring_ring.hpp>
#include <backend/kernel_backend.hpp>
#include <os/socket.hpp>
#include <os/syscalls.hpp>

#include <cetane/base/errors.hpp>
#include <cetane/os/unique_fd.hpp>

#include <fmt/format.h>

#include <cerrno>
#include <chrono>

#include <sys/socket.h>

namespace cetane::detail {
namespace {

using namespace std::chrono_literals;

const char* likely_cause(int error) noexcept {
  switch (error) {
    case ENOSYS:
      return "the kernel has no io_uring, or the container forbids it (seccomp)";
    case EPERM:
    case EACCES:
      return "the container forbids it (seccomp), or the sysctl kernel.io_uring_disabled does";
    case ENOMEM:
      return "too little memory may be locked, raise that limit (ulimit -l)";
    case EMFILE:
    case ENFILE:
      return "no descriptor is left, raise that limit (ulimit -n)";
    case EINVAL:
      return "Linux 6.1 or newer is needed";
    default:
      return "";
  }
}

// What a program of ours does all the time: receive into buffers of the kernel's choice, take a
// receive back, and send what may find no room.
class trial {
 public:
  const char* step = "io_uring_setup";

  int run() noexcept {
    if (const int failed = ring_.make(sizes_); failed < 0) return failed;
    step = "register receive buffers";
    if (const int failed = buffers_.make(*ring_.get(), 1, 2); failed < 0) return failed;
    step = "enable the ring";
    if (const int failed = ring_.enable(); failed < 0) return failed;
    step = "make a socket pair";
    if (const int failed = os::make_socket_pair(one_, other_); failed < 0) return failed;
    step = "receive";
    if (const int failed = receive(); failed < 0) return failed;
    step = "cancel a receive";
    if (const int failed = cancel(); failed < 0) return failed;
    step = "send without waiting";
    return send_in_part();
  }

 private:
  static constexpr std::uint64_t tag = 1;

  void begin_receive() noexcept {
    io_uring_sqe& entry = ring_.next_submission();
    io_uring_prep_recv_multishot(&entry, one_.get(), nullptr, 0, 0);
    entry.flags |= IOSQE_BUFFER_SELECT;
    entry.buf_group = uring_buffers::group;
    entry.ioprio |= IORING_RECVSEND_POLL_FIRST;
    entry.user_data = tag;
    ring_.look();
  }

  // A sandbox that takes requests and never answers must not hold up the start. A wait may also end
  // for nothing, by a signal.
  int answer(completion& out) noexcept {
    const time_point limit = monotonic_now() + 1s;
    while (ring_.ready() == 0 && monotonic_now() < limit) ring_.wait(1, limit);
    if (ring_.ready() == 0) return -ETIME;
    out = ring_.take();
    return 0;
  }

  int receive() noexcept {
    begin_receive();
    if (os::send(other_.get(), "x", 1) != 1) return -EIO;
    completion got;
    if (const int failed = answer(got); failed < 0) return failed;
    if (got.result < 0) return got.result;
    if (got.result != 1 || !got.has_buffer() || *buffers_.at(got.buffer()) != 'x') return -EIO;
    buffers_.give_back(got.buffer());
    return got.is_last() ? -EIO : 0;
  }

  int cancel() noexcept {
    io_uring_sqe& entry = ring_.next_submission();
    io_uring_prep_cancel64(&entry, tag, 0);
    entry.flags |= IOSQE_CQE_SKIP_SUCCESS;
    entry.user_data = 0;
    completion got;
    if (const int failed = answer(got); failed < 0) return failed;
    return got.result == -ECANCELED ? 0 : -EIO;
  }

  // A send in full is not answered; one in part must be, and say how much has left.
  int send_in_part() noexcept {
    const int least = 1;
    if (::setsockopt(other_.get(), SOL_SOCKET, SO_SNDBUF, &least, sizeof least) < 0) return -errno;
    io_uring_sqe& entry = ring_.next_submission();
    io_uring_prep_send(&entry, other_.get(), buffers_.at(0), uring_buffers::size,
                       MSG_DONTWAIT | MSG_NOSIGNAL | MSG_WAITALL);
    entry.flags = IOSQE_CQE_SKIP_SUCCESS;
    entry.user_data = tag;
    completion sent;
    if (const int failed = answer(sent); failed < 0) return failed;
    if (sent.result < 0) return sent.result;
    return sent.result < static_cast<int>(uring_buffers::size) ? 0 : -EIO;
  }

  uring_sizes sizes_{8, 16, 1, 2};
  uring_buffers buffers_;
  uring ring_;  // goes before the buffers
  unique_fd one_;
  unique_fd other_;
};

}  // namespace

std::string uring_trouble(const char* tried, int failed) {
  const std::string_view cause = likely_cause(-failed);
  const std::string reason = reason_text(system_code(failed));
  return cause.empty() ? fmt::format("{}: {}", tried, reason)
                       : fmt::format("{}: {}: {}", tried, reason, cause);
}

std::string why_no_uring() {
  trial attempt;
  const int failed = attempt.run();
  return failed == 0 ? std::string() : uring_trouble(attempt.step, failed);
}

}  // namespace cetane::detail
