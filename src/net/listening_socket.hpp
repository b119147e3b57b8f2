#pragma once

#include <net/socket_file.hpp>
#include <os/socket.hpp>

#include <cetane/os/address.hpp>
#include <cetane/os/unique_fd.hpp>

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

  /// In a child: gives its copy of the socket away.
  [[nodiscard]] int hand_over() noexcept {
    file_.leave();
    return fd_.release();
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
