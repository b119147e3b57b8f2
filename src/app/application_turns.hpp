#pragma once

#include <cetane/base/config.hpp>

#include <functional>

namespace cetane {

class application;

namespace detail {

class application_core;

/// Runs an application in turns, on a loop that somebody else runs: several of them on one thread
/// have a loop each. It refers to the application.
class CETANE_API application_turns {
 public:
  explicit application_turns(application& of) noexcept;
  application_turns(const application_turns&) = delete;
  application_turns& operator=(const application_turns&) = delete;
  ~application_turns() { end_now(); }

  /// Starts what run() starts.
  ///
  /// @throws error             A service cannot listen.
  /// @throws std::logic_error  It was run before.
  void start();

  bool running() const noexcept { return running_; }

  /// True when it has something to do, whatever its loop has.
  bool wants_turn() const noexcept;

  /// Calls `turn`, which runs a pass of the loop, with the application as this thread's.
  ///
  /// @return False when it has come to its end, by an orderly stop.
  bool take(const std::function<void()>& turn);

  /// Ends what is left of it, where it is.
  void end_now() noexcept;

 private:
  application_core& core_;
  bool running_ = false;
};

}  // namespace detail
}  // namespace cetane
