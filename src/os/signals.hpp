#pragma once

#include <cetane/os/unique_fd.hpp>

#include <initializer_list>
#include <memory>

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

}  // namespace cetane::os
