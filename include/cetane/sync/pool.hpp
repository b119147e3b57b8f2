#pragma once

#include <cetane/base/limits.hpp>
#include <cetane/coro/task.hpp>
#include <cetane/sync/semaphore.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <vector>

namespace cetane {

template <class T>
class pool;

/// The limits of a pool: `pool_limits().idle(2).open(8)`.
class pool_limits {
 public:
  pool_limits() noexcept = default;

  /// How many are kept while nobody uses them.
  pool_limits& idle(std::size_t n) noexcept { return idle_ = n, *this; }
  /// How many are in use at a time; then acquire() waits.
  pool_limits& open(std::size_t n) noexcept { return open_ = n, *this; }

 private:
  template <class>
  friend class pool;

  std::size_t idle_ = default_pool_idle;
  std::size_t open_ = default_pool_open;
};

/// One object of a pool, which goes back when this is destroyed; after an exception, or when
/// discard() was called, it is destroyed instead. Movable.
template <class T>
class [[nodiscard("what nobody keeps goes back to the pool at once")]] pool_lease {
 public:
  pool_lease(pool_lease && other) noexcept
      : from_(std::exchange(other.from_, nullptr)),
        permit_(std::move(other.permit_)),
        object_(std::move(other.object_)),
        good_(other.good_) {}
  pool_lease& operator=(pool_lease&&) = delete;
  ~pool_lease() {
    if (from_ == nullptr) return;
    if (good_ && std::uncaught_exceptions() == exceptions_) from_->take_back(std::move(*object_));
  }

  T& operator*() noexcept { return *object_; }
  T* operator->() noexcept { return &*object_; }

  /// Lets the object be destroyed when the lease ends: it is not fit to be used again.
  void discard() noexcept { good_ = false; }

 private:
  friend pool<T>;

  pool_lease(pool<T> & from, semaphore_permit permit, T object) noexcept
      : from_(&from), permit_(std::move(permit)), object_(std::move(object)) {}

  pool<T>* from_;
  semaphore_permit permit_;  // released when the object is back
  std::optional<T> object_;
  int exceptions_ = std::uncaught_exceptions();
  bool good_ = true;
};

/// Objects that are dear to make, connections for example, kept for the next who needs one.
///
/// `pool<connection> backends(open_backend); auto one = co_await backends.acquire();`
/// The one that was used last is given out first. Loop thread only; it outlives its leases.
template <class T>
class pool {
  static_assert(std::is_nothrow_move_constructible_v<T>,
                "what a pool keeps has to be movable without an exception; keep it in a "
                "std::unique_ptr");

 public:
  /// @param make  Makes an object: task<T> make(), or T make(). Kept as a copy.
  /// @throws std::invalid_argument  None may be in use.
  template <class Make>
  explicit pool(Make make, pool_limits limits = pool_limits())
      : maker_(std::make_unique<made_by<Make>>(std::move(make))), limits_(limits), free_(check()) {
    limits_.idle_ = std::min(limits_.idle_, limits_.open_);  // there are never more
    idle_.reserve(limits_.idle_);
  }
  pool(const pool&) = delete;
  pool& operator=(const pool&) = delete;

  /// Asks `fit(object)` before an idle object is given out; one that is not fit is destroyed.
  template <std::predicate<T&> Fit>
  pool& check(Fit fit) {
    class asked final : public judge {
     public:
      explicit asked(Fit&& by) : fit_(std::move(by)) {}
      bool fits(T& object) override { return fit_(object); }

     private:
      Fit fit_;
    };
    judge_ = std::make_unique<asked>(std::move(fit));
    return *this;
  }

  /// Suspends while as many are in use as may be; then gives an idle object, or makes one.
  ///
  /// @throws  What making one throws; that counts as none in use.
  /// @par Cancellation  Nothing is taken; what is being made is given up.
  task<pool_lease<T>> acquire() {
    semaphore_permit permit = co_await free_.acquire();
    if (std::optional<T> kept = take_idle()) {
      co_return pool_lease<T>(*this, std::move(permit), std::move(*kept));
    }
    T made = co_await maker_->make();
    co_return pool_lease<T>(*this, std::move(permit), std::move(made));
  }

  /// Destroys the idle objects.
  void clear() noexcept { idle_.clear(); }

  std::size_t idle() const noexcept { return idle_.size(); }
  std::size_t in_use() const noexcept { return limits_.open_ - free_.available(); }

 private:
  friend pool_lease<T>;

  struct maker {
    virtual ~maker() = default;
    virtual task<T> make() = 0;
  };
  template <class Make>
  class made_by final : public maker {
   public:
    explicit made_by(Make&& make) : make_(std::move(make)) {}
    task<T> make() override {
      if constexpr (detail::is_task<std::invoke_result_t<Make&>>) {
        return make_();
      } else {
        return call();
      }
    }

   private:
    task<T> call() { co_return make_(); }

    Make make_;
  };
  struct judge {
    virtual ~judge() = default;
    virtual bool fits(T& object) = 0;
  };

  std::size_t check() const {
    if (limits_.open_ == 0) throw std::invalid_argument("a pool has one object at least");
    return limits_.open_;
  }

  std::optional<T> take_idle() {
    while (!idle_.empty()) {
      T object = std::move(idle_.back());
      idle_.pop_back();
      if (judge_ == nullptr || judge_->fits(object)) return object;
    }
    return std::nullopt;
  }

  void take_back(T&& object) noexcept {
    if (idle_.size() < limits_.idle_) idle_.push_back(std::move(object));
  }

  std::unique_ptr<maker> maker_;
  std::unique_ptr<judge> judge_;
  pool_limits limits_;
  semaphore free_;
  std::vector<T> idle_;  // with room for all that may be idle
};

}  // namespace cetane
