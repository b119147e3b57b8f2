#pragma once

#include <net/socket_file.hpp>
#include <runtime/backend.hpp>

#include <cetane/base/limits.hpp>
#include <cetane/base/once_per.hpp>
#include <cetane/os/address.hpp>
#include <cetane/os/unique_fd.hpp>
#include <cetane/runtime/event_loop.hpp>
#include <cetane/runtime/timer.hpp>

#include <cstddef>

namespace cetane::detail {

/// Who gets the connections that a listener accepts.
class accept_sink {
 public:
  /// Takes over an accepted socket.
  virtual void on_accept(int descriptor, const address& peer) noexcept = 0;

  /// Says whether one more connection may be accepted now; if not, the listener rests until
  /// resume().
  virtual bool has_room() noexcept = 0;

 protected:
  ~accept_sink() = default;
};

/// A listening socket: accepts until the kernel has no more, at most `accepts_per_wake_up` in one
/// go.
///
/// When the process or the system has no descriptor left it rests for 100 ms: the connections wait
/// in the kernel's backlog, and the loop does not spin on what it cannot take.
class listener final : public poll_io, timer {
 public:
  listener(event_loop& loop, accept_sink& sink) noexcept : loop_(loop), sink_(sink) {}
  ~listener() { close(); }

  /// Begins to listen: 0, or a negative errno value.
  int open(const address& at, const listen_request& request, std::size_t accepts_per_wake_up);

  /// Takes over a socket that listens at `bound` already, shared with other processes: 0, or a
  /// negative errno value and the socket is closed.
  int adopt(unique_fd shared, const address& bound, std::size_t accepts_per_wake_up,
            bool removes_file);

  /// Stops listening. What waits in the backlog is reset by the kernel. The file of a Unix socket
  /// is removed, unless it is another one by now.
  void close() noexcept;

  /// Whether it removes the file of its Unix socket, and that it does not: another process listens
  /// on.
  bool removes_file() const noexcept { return file_.is_kept(); }
  void leave_file() noexcept { file_.leave(); }

  /// Accepts again after has_room() said no.
  void resume() noexcept;

  bool is_open() const noexcept { return descriptor >= 0; }

  /// Where it listens, with the real port.
  const address& bound() const noexcept { return bound_; }

 private:
  // While it rests, who comes has to wait as all the others do.
  void on_ready() noexcept override {
    if (!armed()) accept_some();
  }
  void on_timer() noexcept override { accept_some(); }
  void accept_some() noexcept;
  int watch(int socket);
  void rest(int error) noexcept;

  event_loop& loop_;
  accept_sink& sink_;
  address bound_;
  socket_file file_;
  std::size_t accepts_per_wake_up_ = default_accepts_per_wake_up;
  log::once_per complaint_{std::chrono::seconds(1)};
};

}  // namespace cetane::detail
