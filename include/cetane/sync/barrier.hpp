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
  explicit barrier_wait(barrier& source) noexcept : barrier_(source) {}
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

/// Comes to a barrier; made by barrier::arrive_and_wait(). Has no select_type: the last one to come
/// lets the others go, which cannot be taken back if another arm of a first() happens instead.
class [[nodiscard("this does nothing until it is awaited")]] barrier_op {
 public:
  explicit barrier_op(barrier & source) noexcept : source_(&source) {}

  sole_wait<detail::barrier_wait> operator co_await() const noexcept {
    return sole_wait<detail::barrier_wait>(*source_);
  }

 private:
  barrier* source_;
};

/// A place where tasks wait until so many of them have come; then all go on, and it starts anew.
/// Loop thread only; it outlives those who wait.
class CETANE_API barrier {
 public:
  /// @throws std::invalid_argument  `tasks` is 0.
  explicit barrier(std::size_t tasks);

  /// How many wait.
  std::size_t waiting() const noexcept { return waiting_; }

  /// Suspends until as many tasks as the barrier is for wait here. The last one does not wait. No
  /// arm of first(): for a limit in time there is with_timeout().
  ///
  /// @par Cancellation  The task has not come: another one is needed in its place.
  barrier_op arrive_and_wait() noexcept { return barrier_op(*this); }

 private:
  friend detail::barrier_wait;

  bool is_last() const noexcept { return waiting_ + 1 >= tasks_; }
  void open() noexcept;

  detail::wait_line line_;
  std::size_t tasks_;
  std::size_t waiting_ = 0;
};

}  // namespace cetane
