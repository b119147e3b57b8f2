#pragma once

#include <cetane/base/limits.hpp>

#include <cstddef>

namespace cetane {

/// For service::run_in(): a process of its own for each connection.
///
/// The handler runs on an event loop there, with copies of its state; what it changes nobody else
/// sees, and a crash ends one connection. A handler's exception is logged by its process; a process
/// that ends in another way is reported in the service's. fork() in a handler starts tasks that end
/// with the connection.
class process_per_connection {
 public:
  /// @param max_children  So many at a time; the connections beyond wait to be accepted.
  explicit process_per_connection(std::size_t max_children = default_server_children) noexcept
      : max_children_(max_children) {}

  [[nodiscard]] std::size_t max_children() const noexcept { return max_children_; }

 private:
  std::size_t max_children_;
};

/// For service::run_in(): a thread of its own for each connection.
///
/// The handler runs on an event loop there and may block. Handlers run at the same time: the
/// handler object and the state they share must be safe for that. wait() and fire() belong to the
/// application's thread and are not for them. A stop waits for a handler that blocks its thread.
class thread_per_connection {
 public:
  /// @param max_threads  So many at a time; the connections beyond wait to be accepted.
  explicit thread_per_connection(std::size_t max_threads = default_server_threads) noexcept
      : max_threads_(max_threads) {}

  [[nodiscard]] std::size_t max_threads() const noexcept { return max_threads_; }

 private:
  std::size_t max_threads_;
};

}  // namespace cetane
