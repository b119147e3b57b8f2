#pragma once

#include <net/socket_file.hpp>
#include <os/socket.hpp>

#include <cetane/os/address.hpp>
#include <cetane/os/unique_fd.hpp>

#include <utility>

namespace cetane::detail {

/// A socket that listens for the children of this process, which accept from it.
class listening_socket {
 public:
  listening_socket() = default;
  listening_socket(const listening_socket&) = delete;
  listening_socket& operator=(const listening_socket&) = delete;
  ~listening_socket() { close(); }

  /// Begins to listen: 0, or a negative errno value.
  int open(const address& at, int backlog) {
    os::listen_options options;
    options.backlog = backlog;
    unique_fd fd;
    if (const int failed = os::listen_on(at, options, fd); failed < 0) return failed;
    if (const int failed = os::local_address(fd.get(), bound_); failed < 0) return failed;
    fd_ = std::move(fd);
    file_.made_at(bound_);
    return 0;
  }

  /// Takes over one that listens at `bound` already.
  void adopt(unique_fd listening, const address& bound, bool removes_file) {
    fd_ = std::move(listening);
    bound_ = bound;
    if (removes_file) file_.made_at(bound_);
  }

  int fd() const noexcept { return fd_.get(); }
  bool removes_file() const noexcept { return file_.is_kept(); }
  /// Another process listens on.
  void leave_file() noexcept { file_.leave(); }

  /// In a child: gives its copy of the socket away.
  [[nodiscard]] unique_fd hand_over() noexcept {
    file_.leave();
    return std::move(fd_);
  }

  /// Stops listening, once all children have; removes the file of a Unix socket.
  void close() noexcept {
    fd_.reset();
    file_.remove();
  }

  const address& bound() const noexcept { return bound_; }

 private:
  unique_fd fd_;
  address bound_;
  socket_file file_;
};

}  // namespace cetane::detail
