#pragma once

#include <cetane/os/unique_fd.hpp>

#include <csignal>
#include <initializer_list>
#include <memory>

#include <signal.h>

namespace cetane::os {

/// Turns signals into something to read, for as long as it lives.
///
/// Blocks them in the thread that makes it and in those that this thread starts later; a thread
/// that ran before and does not block them still takes them. Destroy it on the same thread.
class signal_watcher {
 public:
  /// @throws std::system_error  The system has no descriptor left.
  explicit signal_watcher(std::initializer_list<int> signals);
  signal_watcher(const signal_watcher&) = delete;
  signal_watcher& operator=(const signal_watcher&) = delete;
  /// Drops the signals that nobody read and restores what was blocked before.
  ~signal_watcher();

  /// Readable while a signal waits.
  [[nodiscard]] int fd() const noexcept { return fd_.get(); }

  /// Takes the next signal and returns its number, 0 when none waits.
  int next() noexcept;

 private:
  struct masks;

  std::unique_ptr<masks> masks_;
  unique_fd fd_;
};

/// Ignores SIGPIPE while it lives: whoever reads stdout or the log may go, and that is no reason to
/// end. The library's sockets raise none.
class sigpipe_ignored {
 public:
  sigpipe_ignored() noexcept : before_(std::signal(SIGPIPE, SIG_IGN)) {}
  sigpipe_ignored(const sigpipe_ignored&) = delete;
  sigpipe_ignored& operator=(const sigpipe_ignored&) = delete;
  ~sigpipe_ignored() { std::signal(SIGPIPE, before_); }

 private:
  void (*before_)(int);
};

/// Blocks all signals in this thread while it lives, so that a thread which is started meanwhile
/// has them blocked from its first instruction: they belong to the threads that the program knows.
/// Those that a thread brings upon itself stay, else a crash would not find its handler.
class signals_blocked {
 public:
  signals_blocked() noexcept {
    sigset_t blocked;
    ::sigfillset(&blocked);
    for (const int own_fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT}) {
      ::sigdelset(&blocked, own_fault);
    }
    ::pthread_sigmask(SIG_SETMASK, &blocked, &before_);
  }
  signals_blocked(const signals_blocked&) = delete;
  signals_blocked& operator=(const signals_blocked&) = delete;
  ~signals_blocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_;
};

}  // namespace cetane::os
