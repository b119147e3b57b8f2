#pragma once

#include <cetane/base/config.hpp>
#include <cetane/sync/detail/wait_line.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <utility>

namespace cetane {

class semaphore;

/// Permits of a semaphore, which are given back when this is destroyed. Movable.
class [[nodiscard("permits that nobody keeps are given back at once")]] semaphore_permit {
 public:
  semaphore_permit() noexcept = default;
  semaphore_permit(semaphore_permit && other) noexcept
      : from_(std::exchange(other.from_, nullptr)), count_(other.count_) {}
  semaphore_permit& operator=(semaphore_permit&& other) noexcept {
    semaphore_permit taken(std::move(other));
    std::swap(from_, taken.from_);
    std::swap(count_, taken.count_);
    return *this;
  }
  ~semaphore_permit() { release(); }

  explicit operator bool() const noexcept { return from_ != nullptr; }

  /// Gives the permits back now.
  void release() noexcept;

  /// Lets the permits go without giving them back: somebody calls semaphore::release() for them.
  void keep() noexcept { from_ = nullptr; }

 private:
  friend semaphore;
  friend class acquire_op;

  semaphore_permit(semaphore & from, std::size_t count) noexcept : from_(&from), count_(count) {}

  semaphore* from_ = nullptr;
  std::size_t count_ = 0;
};

/// Waits for permits; see semaphore::acquire().
class [[nodiscard("acquire() does nothing until it is awaited")]] acquire_op {
 public:
  acquire_op(semaphore & from, std::size_t count) noexcept : from_(from), count_(count) {}

  class CETANE_API select_type final : public detail::line_place {
   public:
    explicit select_type(const acquire_op& op) noexcept : from_(op.from_), count_(op.count_) {}
    ~select_type() { disarm(); }

    bool poll() const noexcept;
    void arm() noexcept;
    void disarm() noexcept;
    semaphore_permit commit() noexcept;
    std::string describe_wait() const;
    void tell_causes(detail::wait_causes& to) const;

   private:
    friend semaphore;

    semaphore& from_;
    std::size_t count_;
  };

  sole_wait<select_type> operator co_await() const noexcept {
    return sole_wait<select_type>(*this);
  }

 private:
  semaphore& from_;
  std::size_t count_;
};

/// A number of permits: so many tasks at a time. diesel's Lock(count).
///
/// First come, first served: who wants many permits is not overtaken by who wants few. Loop thread
/// only; it outlives those who wait and the permits.
class CETANE_API semaphore {
 public:
  explicit semaphore(std::size_t permits) noexcept : available_(permits) {}

  std::size_t available() const noexcept { return available_; }

  /// Suspends until `n` permits can be had together: for ever if there never are so many, and who
  /// comes later waits behind.
  ///
  /// @return The permits, which their destructor gives back.
  /// @par Cancellation  No permit is taken.
  acquire_op acquire(std::size_t n = 1) noexcept { return acquire_op(*this, n); }

  /// Takes `n` permits, if they are there and nobody waits.
  std::optional<semaphore_permit> try_acquire(std::size_t n = 1) noexcept;

  /// Adds permits, whoever may have acquired them: there may be more than at first.
  void release(std::size_t n = 1) noexcept {
    available_ += n;
    if (!line_.empty()) hand_out();
  }

 private:
  friend acquire_op::select_type;

  bool has(std::size_t n) const noexcept { return line_.empty() && available_ >= n; }
  void hand_out() noexcept;

  std::size_t available_;  // those that are reserved for woken tasks do not count
  detail::wait_line line_;
};

inline void semaphore_permit::release() noexcept {
  if (semaphore* const from = std::exchange(from_, nullptr)) from->release(count_);
}

}  // namespace cetane
