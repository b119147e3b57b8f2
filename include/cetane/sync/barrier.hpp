#pragma once

#include <cetane/base/config.hpp>
#include <cetane/sync/detail/wait_line.hpp>

#include <cstddef>
#include <string>

namespace cetane {

class barrier;

namespace detail {

/// A wait at a barrier.
class CETANE_API barrier_wait final : public line_place {
 public:
  using source_type = barrier;

  explicit barrier_wait(wait_op<barrier_wait> op) noexcept : barrier_(op.source()) {}
  ~barrier_wait() { disarm(); }

  bool poll() const noexcept;
  void arm() noexcept;
  void disarm() noexcept;
  void commit() noexcept;
  std::string describe_wait() const;

 private:
  barrier& barrier_;
};

}  // namespace detail

/// A place where tasks wait until so many of them have come; then all go on, and it starts anew.
/// Loop thread only; it outlives those who wait.
class CETANE_API barrier {
 public:
  /// @throws std::invalid_argument  `tasks` is 0.
  explicit barrier(std::size_t tasks);

  /// How many wait.
  std::size_t waiting() const noexcept { return waiting_; }

  /// Suspends until as many tasks as the barrier is for wait here. The last one does not wait.
  ///
  /// @par Cancellation  The task has not come: another one is needed in its place.
  detail::wait_op<detail::barrier_wait> arrive_and_wait() noexcept {
    return detail::wait_op<detail::barrier_wait>(*this);
  }

 private:
  friend detail::barrier_wait;

  bool is_last() const noexcept { return waiting_ + 1 >= tasks_; }
  void open() noexcept;

  detail::wait_line line_;
  std::size_t tasks_;
  std::size_t waiting_ = 0;
};

}  // namespace cetane
