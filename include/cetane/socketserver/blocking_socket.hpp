#pragma once

#include <cetane/base/clock.hpp>
#include <cetane/base/limits.hpp>
#include <cetane/os/address.hpp>
#include <cetane/os/unique_fd.hpp>
#include <cetane/socketserver/endpoint.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace cetane::socketserver {

class blocking_socket;

/// Connects to a stream server. Blocks while its name is looked up and it is reached.
///
/// @throws resolve_error    The name has no IPv4 address.
/// @throws connect_timeout  It took longer than `timeout`.
/// @throws connect_error    Nobody listens there, or it cannot be reached.
[[nodiscard]] CETANE_API blocking_socket
create_connection(const endpoint& to, any_duration timeout = default_connect_timeout);

/// A socket whose calls block the thread, as those of Python's socket object do, with their names.
///
/// Closed on exec, and in children made by fork_process() that do not keep it. A peer that has gone
/// is an exception, never a signal; signals shorten nothing. One thread at a time uses it, save
/// abort().
class CETANE_API blocking_socket {
 public:
  explicit blocking_socket(unique_fd descriptor);
  blocking_socket(const blocking_socket&) = delete;
  blocking_socket& operator=(const blocking_socket&) = delete;
  ~blocking_socket();

  /// Reads what there is, at least one byte and at most `most`, or 64 KiB; empty at the end of the
  /// input.
  /// @throws timed_out         Nothing came within the timeout.
  /// @throws connection_error  The connection is broken, or closed here.
  [[nodiscard]] std::string recv(std::size_t most);

  /// Takes one datagram; what is longer than `most` is cut off.
  ///
  /// @param from  Who sent it; no address for a Unix socket without a name.
  /// @throws timed_out, connection_error  As recv().
  [[nodiscard]] std::string recvfrom(std::size_t most, address& from);

  /// Sends some of the bytes, at least one, and returns how many.
  /// @throws timed_out         Nothing was taken within the timeout.
  /// @throws connection_error  The connection is broken, or closed here.
  std::size_t send(std::string_view bytes);

  /// Sends all bytes. The timeout is for each part that is taken.
  /// @throws timed_out, connection_error  As send(); how much was sent is not known then.
  void sendall(std::string_view bytes);

  /// Sends a datagram.
  /// @throws timed_out, connection_error  As send(); also for a receiver without an address.
  void sendto(std::string_view packet, const address& to);

  /// How long a call may wait; nothing, as at first, is for ever.
  /// @throws std::invalid_argument  The timeout is negative.
  void settimeout(std::optional<any_duration> timeout);
  [[nodiscard]] std::optional<duration> gettimeout() const noexcept { return timeout_; }

  /// Sends small pieces at once instead of waiting for more of them.
  void set_nodelay() noexcept;

  /// Tells the peer that nothing more comes; a peer that has gone is told nothing.
  void shutdown_write() noexcept;
  /// Ends both directions: calls that wait return. From any thread.
  void abort() noexcept;
  void close() noexcept;

  /// -1 after close().
  [[nodiscard]] int fileno() const noexcept;
  /// @throws error  The socket is closed.
  [[nodiscard]] address getsockname() const;
  /// @throws error  The socket is closed, or its peer has gone.
  [[nodiscard]] address getpeername() const;

 private:
  class state;
  friend blocking_socket create_connection(const endpoint& to, any_duration timeout);

  blocking_socket(const address& where, duration limit);
  int begin_connect(const address& where);
  template <class Call>
  std::size_t repeat(const char* tried, short events, Call call);
  void wait(const char* tried, short events) const;
  [[noreturn]] void fail(const char* tried, int why) const;

  std::unique_ptr<state> state_;
  std::optional<duration> timeout_;
};

}  // namespace cetane::socketserver
