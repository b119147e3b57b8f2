#pragma once

#include <cetane/base/clock.hpp>
#include <cetane/os/unique_fd.hpp>
#include <cetane/polling/events.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace cetane::polling {

/// How an epoll object reports a descriptor.
enum class trigger : std::uint8_t {
  level,     ///< as long as it is ready
  edge,      ///< once each time it becomes ready: read or write until it would wait
  one_shot,  ///< once; modify() asks for the next time
};

/// A set of descriptors that the kernel watches; epoll(7). Owns its own descriptor, closed on exec
/// and in children made by fork_process(), but none of those that it watches.
///
/// remove() a descriptor before it is closed: where a copy of it stays open, in a child process or
/// by dup(), the kernel goes on reporting it under a number that is gone. One thread at a time
/// calls wait(); others may add, change and remove meanwhile.
class CETANE_API epoll {
 public:
  /// @throws error  No descriptor is left.
  epoll();
  epoll(epoll&&) noexcept;
  epoll& operator=(epoll&&) noexcept;
  ~epoll();

  /// @throws error  The descriptor is not open, was added already, or is a file, which is always
  /// ready and cannot be watched.
  void add(int descriptor, events wanted, trigger how = trigger::level);
  /// @throws error  The descriptor is not open or was not added.
  void modify(int descriptor, events wanted, trigger how = trigger::level);
  /// @throws error  The descriptor is not open or was not added.
  void remove(int descriptor);

  /// Blocks the thread until something has happened on at least one descriptor; empty when the time
  /// is over. Signals do not shorten the wait.
  /// @param timeout      Zero only looks; nothing waits for as long as it takes. Never ends early.
  /// @param most_events  Reported at once; the others come with the next call.
  /// @throws std::invalid_argument  The timeout is negative, or `most_events` is 0.
  [[nodiscard]] std::vector<ready> wait(std::optional<any_duration> timeout = std::nullopt,
                                        std::size_t most_events = 1023);

  /// -1 after close().
  [[nodiscard]] int fileno() const noexcept;
  void close() noexcept;

 private:
  class descriptor;

  std::unique_ptr<descriptor> own_;
};

}  // namespace cetane::polling
