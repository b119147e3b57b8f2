#pragma once

#include <cetane/base/config.hpp>
#include <cetane/base/intrusive_list.hpp>
#include <cetane/sync/detail/wait_line.hpp>

#include <cstdint>
#include <string>
#include <utility>

namespace cetane {

class shared_mutex;

namespace detail {

enum class lock_kind : std::uint8_t { exclusive, shared };

/// One lock of a shared mutex, or the reservation of one: known to the mutex while it is linked.
struct shared_mutex_hold : list_hook<shared_mutex> {
  explicit shared_mutex_hold(lock_kind wanted) noexcept : kind(wanted) {}

  task_context* owner = nullptr;
  lock_kind kind;
};

/// A wait for a shared mutex.
class CETANE_API shared_mutex_wait : public line_place {
 public:
  shared_mutex_wait(shared_mutex& source, lock_kind kind) noexcept : mutex_(source), hold_(kind) {}
  ~shared_mutex_wait() { disarm(); }

  bool poll() const noexcept;
  void arm() noexcept;
  void disarm() noexcept;
  std::string describe_wait() const;
  void tell_causes(wait_causes& to) const;

 protected:
  void take();

  shared_mutex& mutex_;

 private:
  friend shared_mutex;

  shared_mutex_hold hold_;
};

template <lock_kind Kind>
class shared_mutex_lock_wait;

}  // namespace detail

/// A lock of a shared mutex, which is released when this is destroyed. Movable, within its task.
class [[nodiscard("a lock that nobody keeps is released at once")]] shared_mutex_lock {
 public:
  shared_mutex_lock(shared_mutex_lock && other) noexcept : hold_(other.hold_.kind) {
    take_over(other);
  }
  shared_mutex_lock& operator=(shared_mutex_lock&& other) noexcept {
    if (this != &other) {
      release();
      hold_.kind = other.hold_.kind;
      take_over(other);
    }
    return *this;
  }
  ~shared_mutex_lock() { release(); }

  explicit operator bool() const noexcept { return of_ != nullptr; }

  /// Releases the lock now.
  ///
  /// @throws std::logic_error  It is released already, or the task that runs is not the one that
  ///                           has locked.
  CETANE_API void unlock();

 private:
  template <detail::lock_kind>
  friend class detail::shared_mutex_lock_wait;

  CETANE_API shared_mutex_lock(shared_mutex & of, detail::lock_kind kind,
                               detail::task_context & owner) noexcept;
  CETANE_API void release() noexcept;
  CETANE_API void take_over(shared_mutex_lock & other) noexcept;

  shared_mutex* of_ = nullptr;
  detail::shared_mutex_hold hold_;
};

namespace detail {

template <lock_kind Kind>
class shared_mutex_lock_wait final : public shared_mutex_wait {
 public:
  using source_type = shared_mutex;

  explicit shared_mutex_lock_wait(wait_op<shared_mutex_lock_wait> op) noexcept
      : shared_mutex_wait(op.source(), Kind) {}

  shared_mutex_lock commit() {
    take();
    return shared_mutex_lock(mutex_, Kind, task());
  }
};

}  // namespace detail

/// Many tasks that share, or one alone: readers and writers.
///
/// First come, first served: a reader does not overtake a writer who waits. A task that has a lock
/// and would have to wait for itself gets std::logic_error. Loop thread only; it outlives those who
/// wait and the locks.
class CETANE_API shared_mutex {
 public:
  shared_mutex() noexcept = default;

  /// Suspends until nobody else has a lock.
  ///
  /// @return The lock, which its destructor releases.
  /// @throws std::logic_error  The task has a lock already, and would wait for itself.
  /// @par Cancellation  The lock is not taken.
  auto lock() noexcept {
    return detail::wait_op<detail::shared_mutex_lock_wait<detail::lock_kind::exclusive>>(*this);
  }

  /// Suspends until nobody has an exclusive lock, or waits for one.
  ///
  /// Otherwise as lock().
  auto lock_shared() noexcept {
    return detail::wait_op<detail::shared_mutex_lock_wait<detail::lock_kind::shared>>(*this);
  }

 private:
  friend shared_mutex_lock;
  friend detail::shared_mutex_wait;

  bool can_take(detail::lock_kind kind) const noexcept;
  bool would_wait_for_itself(const detail::shared_mutex_wait& asking) const noexcept;
  void hand_out() noexcept;

  detail::wait_line line_;
  // Of the locks, and of what is reserved: one that is exclusive, or any number that share.
  intrusive_list<detail::shared_mutex_hold, shared_mutex> holds_;
};

}  // namespace cetane
