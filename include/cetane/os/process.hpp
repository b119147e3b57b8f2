#pragma once

#include <cetane/base/config.hpp>
#include <cetane/os/unique_fd.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace cetane {

/// How a child process ended.
class CETANE_API child_status {
 public:
  enum class how : std::uint8_t {
    exited,   ///< by itself; number() is its exit status
    killed,   ///< by the signal number()
    unknown,  ///< somebody else asked first, or the process ignores SIGCHLD: the kernel has told
              ///< nobody
  };

  child_status() noexcept = default;
  child_status(how end, int number) noexcept : end_(end), number_(number) {}

  [[nodiscard]] how end() const noexcept { return end_; }
  [[nodiscard]] int number() const noexcept { return number_; }
  /// True for an exit status of 0.
  [[nodiscard]] bool success() const noexcept { return end_ == how::exited && number_ == 0; }
  /// "exited with status 1", "killed by signal 9", "ended with a status that is lost"
  [[nodiscard]] std::string to_string() const;

  bool operator==(const child_status&) const = default;

 private:
  how end_ = how::unknown;
  int number_ = 0;
};

/// A child of this process, known by a descriptor of its own: its number may be used again by the
/// system, this object never means another process.
///
/// Destroying it neither ends the child nor waits: a child that has ended is forgotten, one that
/// still runs stays, and stays a zombie after its end, until this process ends.
class CETANE_API child_process {
 public:
  child_process(int pid, unique_fd pidfd) noexcept : pid_(pid), pidfd_(std::move(pidfd)) {}
  child_process(child_process&& other) noexcept = default;
  child_process& operator=(child_process&& other) noexcept;
  ~child_process();

  [[nodiscard]] int pid() const noexcept { return pid_; }
  /// Readable when the child has ended; for poll, or for the library's readable(). -1 as soon as
  /// the status has been fetched.
  [[nodiscard]] int pidfd() const noexcept { return pidfd_.get(); }

  /// Says how the child ended, and lets the system forget it; nothing while it runs. Asks about
  /// this child only, so that nobody else's is taken away.
  std::optional<child_status> try_wait();
  /// The same, but blocks the thread until the child has ended.
  child_status wait();

  /// Sends a signal, and says whether the child was still there to get it.
  bool signal(int number) noexcept;

 private:
  std::optional<child_status> ask(int flags);

  int pid_;
  unique_fd pidfd_;
  std::optional<child_status> status_;
};

/// What fork_process() does when the process has more threads than the one that calls it. A child
/// has this one only, and a lock that another one held stays locked there for ever.
enum class threads_at_fork : std::uint8_t {
  allow,
  warn,   ///< logs a warning, once
  refuse  ///< throws a std::logic_error
};

struct fork_options {
  /// Descriptors of the library's sockets that the child goes on using. All the others are closed
  /// in it, so that a peer sees the end of its connection although a child lives on.
  std::vector<int> kept;
  threads_at_fork threads = threads_at_fork::allow;
};

/// Makes a child process that runs `body`, and ends with what it returns as its exit status.
///
/// The child never returns into the caller's code: no destructor of the caller's, no atexit
/// function and no other thread runs in it. An exception out of `body` is logged and ends it with
/// status 1. What was printed before the fork appears once, what `body` prints to stdout, stderr
/// and std::cout appears too; other streams are flushed by those who opened them.
///
/// In the child: no event loop runs, and those of the parent cannot be used; the library's sockets
/// are closed save `options.kept`; no signal is blocked and none is pending; SIGPIPE is ignored.
/// Descriptors, signal handlers and everything else of the program's own are as fork(2) leaves
/// them. Works in a process with threads, as far as `body` takes no lock that they share: memory,
/// stdio and the library's log may be used.
///
/// What the child changes never reaches the parent.
/// @throws error             No process, no descriptor, or no memory left; or Linux is older
/// than 5.4.
/// @throws std::logic_error  There are threads, and `options` refuses them.
[[nodiscard]] CETANE_API child_process fork_process(const std::function<int()>& body,
                                                    const fork_options& options = {});

}  // namespace cetane
