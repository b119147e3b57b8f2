#pragma once

#include <cetane/base/config.hpp>
#include <cetane/sync/detail/wait_line.hpp>

#include <optional>
#include <string>
#include <utility>

namespace cetane {

class mutex;
class condition;

/// The lock of a mutex, which is released when this is destroyed, or another one is moved in.
/// Movable, within its task.
class [[nodiscard("a lock that nobody keeps is released at once")]] mutex_lock {
 public:
  mutex_lock() noexcept = default;
  mutex_lock(mutex_lock && other) noexcept : of_(std::exchange(other.of_, nullptr)) {}
  mutex_lock& operator=(mutex_lock&& other) noexcept {
    mutex_lock taken(std::move(other));
    std::swap(of_, taken.of_);
    return *this;
  }
  ~mutex_lock();

  explicit operator bool() const noexcept { return of_ != nullptr; }

  /// Releases the lock now.
  ///
  /// @throws std::logic_error  It is released already, or the task that runs is not the one that
  ///                           has locked.
  CETANE_API void unlock();

 private:
  friend mutex;
  friend class condition_wait;

  explicit mutex_lock(mutex & of) noexcept : of_(&of) {}

  mutex* of_ = nullptr;
};

namespace detail {

/// A wait for a mutex.
class CETANE_API mutex_wait final : public line_place {
 public:
  using source_type = mutex;

  explicit mutex_wait(mutex& source) noexcept : mutex_(source) {}
  explicit mutex_wait(wait_op<mutex_wait> op) noexcept : mutex_(op.source()) {}
  ~mutex_wait() {
    if (linked()) disarm();
  }

  bool poll() const noexcept;
  void arm() noexcept;
  void disarm() noexcept;
  mutex_lock commit();
  std::string describe_wait() const;
  void tell_causes(wait_causes& to) const { tell_causes(to, "mutex"); }
  void tell_causes(wait_causes& to, std::string what) const;

 private:
  friend mutex;

  bool has_lock() const noexcept;
  [[noreturn]] static void throw_has_lock();

  mutex& mutex_;
};

}  // namespace detail

/// One task at a time: for what must not change between the awaits of a task.
///
/// First come, first served: the lock is handed to the first in line. It belongs to the task that
/// locks it, who cannot lock it twice. Between two awaits no lock is needed, since no other task
/// runs. Loop thread only; it outlives those who wait and the locks.
class CETANE_API mutex {
 public:
  mutex() noexcept = default;

  bool locked() const noexcept { return locked_; }

  /// Suspends until the lock can be had.
  ///
  /// @return The lock, which its destructor releases.
  /// @throws std::logic_error  The task holds the lock already, and would wait for itself.
  /// @par Cancellation  The lock is not taken.
  detail::wait_op<detail::mutex_wait> lock() noexcept {
    return detail::wait_op<detail::mutex_wait>(*this);
  }

  /// Takes the lock, if nobody has it.
  std::optional<mutex_lock> try_lock() noexcept;

 private:
  friend mutex_lock;
  friend detail::mutex_wait;
  friend class condition_wait;

  void release() noexcept {
    if (line_.empty()) {
      locked_ = false;
    } else {
      hand_over();
    }
  }
  /// The lock, which is nobody's any more, goes to the first in line; there is one.
  void hand_over() noexcept;
  // The task has been the owner since hand_over().
  mutex_lock handed_over() noexcept { return mutex_lock(*this); }
  mutex_lock take(detail::task_context* owner) noexcept {
    locked_ = true;
    owner_ = owner;
    return mutex_lock(*this);
  }

  detail::wait_line line_;
  detail::task_context* owner_ = nullptr;  // of the last lock; the task may have ended meanwhile
  bool locked_ = false;                    // or reserved for a woken task
};

inline void mutex::hand_over() noexcept {
  locked_ = true;
  owner_ = &static_cast<detail::mutex_wait&>(line_.front()).task();
  line_.grant_front();
}

inline mutex_lock::~mutex_lock() {
  if (of_ != nullptr) of_->release();
}

inline bool detail::mutex_wait::has_lock() const noexcept {
  return mutex_.locked_ && is_task(mutex_.owner_);
}

inline bool detail::mutex_wait::poll() const noexcept {
  return granted() || !mutex_.locked_ || has_lock();
}

inline void detail::mutex_wait::arm() noexcept {
  if (has_lock()) return wake();
  const bool at_once = !mutex_.locked_;
  mutex_.line_.join(*this);
  if (at_once) mutex_.hand_over();
}

inline void detail::mutex_wait::disarm() noexcept {
  if (leave()) mutex_.release();
}

inline mutex_lock detail::mutex_wait::commit() {
  if (leave()) return mutex_.handed_over();
  if (mutex_.locked_) [[unlikely]]
    throw_has_lock();
  return mutex_.take(&task());
}

}  // namespace cetane
