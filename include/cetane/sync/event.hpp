#pragma once

#include <cetane/base/config.hpp>
#include <cetane/sync/detail/wait_line.hpp>

#include <string>

namespace cetane {

class event;

namespace detail {

/// A wait for an event.
class CETANE_API event_wait : public line_place {
 public:
  using source_type = event;

  explicit event_wait(event& source) noexcept : event_(source) {}
  explicit event_wait(wait_op<event_wait> op) noexcept : event_(op.source()) {}

  bool poll() const noexcept;
  void arm() noexcept;
  void disarm() noexcept { leave(); }
  void commit() noexcept { leave(); }
  std::string describe_wait() const;
  void tell_causes(wait_causes& to) const;

 private:
  event& event_;
};

}  // namespace detail

/// A flag that tasks wait for: a starting gun.
///
/// Once set it stays set until clear(), and whoever waits then does not wait. Loop thread only; it
/// outlives those who wait.
class event {
 public:
  event() noexcept = default;

  bool is_set() const noexcept { return set_; }

  /// Wakes all who wait, first come, first served. Those go on even if clear() is called before
  /// they run.
  void set() noexcept {
    set_ = true;
    line_.grant_all();
  }

  void clear() noexcept { set_ = false; }

  /// Suspends until the event is set.
  detail::wait_op<detail::event_wait> wait() noexcept {
    return detail::wait_op<detail::event_wait>(*this);
  }

 private:
  friend detail::event_wait;

  detail::wait_line line_;
  bool set_ = false;
};

inline bool detail::event_wait::poll() const noexcept { return granted() || event_.is_set(); }

inline void detail::event_wait::arm() noexcept {
  if (event_.is_set()) return event_.line_.grant(*this);
  event_.line_.join(*this);
}

}  // namespace cetane
