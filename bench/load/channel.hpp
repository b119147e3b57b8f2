#pragma once

#include <sys/types.h>

#include <cstddef>
#include <string>
#include <string_view>

namespace load {

/// Connects to an IPv4 address; the socket waits.
///
/// @throws std::system_error  The server does not accept.
int connect_to(const std::string& host, int port, bool datagrams);

/// A connected socket. Its calls do not wait, and are as recv(2) and send(2).
class channel {
 public:
  explicit channel(int fd);
  channel(const channel&) = delete;
  channel& operator=(const channel&) = delete;
  virtual ~channel();

  int descriptor() const { return fd_; }
  virtual ssize_t receive(char* to, std::size_t room);
  virtual ssize_t send(std::string_view bytes);
  /// So many bytes are half on their way after an EAGAIN: the next send must begin with them.
  virtual std::size_t begun() const { return 0; }
  /// Whether a receive() that leaves room in its buffer has taken all that there was.
  virtual bool room_means_empty() const { return true; }

 private:
  int fd_;
};

}  // namespace load
