// A timer lives inside whatever waits for it, so that waiting allocates nothing.
#pragma once

#include <cetane/base/clock.hpp>
#include <cetane/base/config.hpp>
#include <cetane/base/intrusive_list.hpp>

namespace cetane::detail {

class timer_wheel;

/// Something that happens once at a deadline, unless it is disarmed before.
///
/// The event loop's timer wheel arms it, and calls on_timer() when the deadline has come. The
/// destructor disarms; a wheel that is destroyed first disarms all its timers.
class CETANE_API timer : private list_hook<timer_wheel> {
 public:
  timer(const timer&) = delete;
  timer& operator=(const timer&) = delete;

  [[nodiscard]] bool armed() const noexcept { return wheel_ != nullptr; }

  /// What the timer was last armed for.
  [[nodiscard]] time_point deadline() const noexcept { return deadline_; }

  /// Disarms; does nothing if not armed.
  void disarm() noexcept {
    if (armed()) leave_wheel();
  }

 protected:
  timer() noexcept = default;
  ~timer() { disarm(); }

  /// Called when the deadline has come; by then the timer is disarmed.
  ///
  /// May arm and cancel any timer, itself included, and may destroy itself.
  virtual void on_timer() noexcept = 0;

 private:
  friend class timer_wheel;
  friend class intrusive_list<timer, timer_wheel>;

  void leave_wheel() noexcept;

  time_point deadline_ = never;
  timer_wheel* wheel_ = nullptr;
};

static_assert(sizeof(timer) <= 40, "every connection and every sleeping task carries one");

}  // namespace cetane::detail
