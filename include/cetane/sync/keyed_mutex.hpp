#pragma once

#include <cetane/base/config.hpp>
#include <cetane/sync/mutex.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace cetane {

class keyed_mutex;

namespace detail {

struct keyed_mutex_entry;

/// Keeps the mutex of one key.
class CETANE_API keyed_mutex_use {
 public:
  keyed_mutex_use(keyed_mutex& of, std::string_view key);
  keyed_mutex_use(const keyed_mutex_use& other) noexcept;
  keyed_mutex_use(keyed_mutex_use&& other) noexcept
      : entry_(std::exchange(other.entry_, nullptr)) {}
  keyed_mutex_use& operator=(keyed_mutex_use other) noexcept {
    std::swap(entry_, other.entry_);
    return *this;
  }
  ~keyed_mutex_use();

  mutex& get() const noexcept;
  const std::string& key() const noexcept;

 private:
  keyed_mutex_entry* entry_;
};

}  // namespace detail

/// The lock of one key, which is released when this is destroyed. Movable, within its task.
class [[nodiscard("a lock that nobody keeps is released at once")]] keyed_lock {
 public:
  keyed_lock(keyed_lock &&) noexcept = default;
  keyed_lock& operator=(keyed_lock&& other) noexcept {
    keyed_lock taken(std::move(other));
    std::swap(use_, taken.use_);
    std::swap(lock_, taken.lock_);
    return *this;
  }

  /// Releases the lock now; see mutex_lock::unlock().
  void unlock() { lock_.unlock(); }

 private:
  friend class keyed_lock_op;

  keyed_lock(detail::keyed_mutex_use use, mutex_lock lock) noexcept
      : use_(std::move(use)), lock_(std::move(lock)) {}

  detail::keyed_mutex_use use_;  // destroyed last
  mutex_lock lock_;
};

/// Waits for the lock of a key; see keyed_mutex::lock().
class [[nodiscard("lock() does nothing until it is awaited")]] keyed_lock_op {
 public:
  explicit keyed_lock_op(detail::keyed_mutex_use use) noexcept : use_(std::move(use)) {}

  class select_type final : public selectable {
   public:
    explicit select_type(const keyed_lock_op& op) noexcept : use_(op.use_), wait_(use_.get()) {}

    void set_task(detail::task_context& task) noexcept {
      selectable::set_task(task);
      wait_.set_task(task);
    }
    bool poll() const noexcept { return wait_.poll(); }
    void arm() noexcept { wait_.arm(); }
    void disarm() noexcept { wait_.disarm(); }
    keyed_lock commit() { return keyed_lock(use_, wait_.commit()); }
    std::string describe_wait() const {
      return "key \"" + use_.key() + "\": " + wait_.describe_wait();
    }
    void tell_causes(detail::wait_causes& to) const {
      wait_.tell_causes(to, "lock of key \"" + use_.key() + '"');
    }

   private:
    detail::keyed_mutex_use use_;
    detail::mutex_wait wait_;
  };

  sole_wait<select_type> operator co_await() const noexcept {
    return sole_wait<select_type>(*this);
  }

 private:
  detail::keyed_mutex_use use_;
};

/// A mutex for each key: tasks with the same key go one at a time. diesel's synchronized.
///
/// A key takes memory while somebody holds its lock or waits for it. Loop thread only; it outlives
/// those who wait and the locks.
class CETANE_API keyed_mutex {
 public:
  keyed_mutex();
  keyed_mutex(const keyed_mutex&) = delete;
  keyed_mutex& operator=(const keyed_mutex&) = delete;
  ~keyed_mutex();

  /// Suspends until the lock of `key`, which is copied, can be had; see mutex::lock().
  keyed_lock_op lock(std::string_view key) {
    return keyed_lock_op(detail::keyed_mutex_use(*this, key));
  }

  /// How many keys there are: those that are locked, waited for, or about to be.
  std::size_t size() const noexcept;

 private:
  friend detail::keyed_mutex_use;
  struct table;

  std::unique_ptr<table> table_;
};

}  // namespace cetane
