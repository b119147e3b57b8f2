#pragma once

#include <cetane/base/config.hpp>
#include <cetane/base/intrusive_list.hpp>
#include <cetane/sync/event.hpp>

#include <functional>
#include <memory>

namespace cetane {
class application;
class event_loop;
}  // namespace cetane

namespace cetane::testing {

class machine;

/// A program of a test, see host::run(). It ends with this object, at once and wherever it is.
class CETANE_API program : public list_hook<machine> {
 public:
  /// Use host::run().
  program(machine& on, std::function<void(application&)> set_up);
  program(const program&) = delete;
  program& operator=(const program&) = delete;
  ~program();

  [[nodiscard]] bool running() const noexcept { return process_ != nullptr; }

  /// Begins an orderly stop, as SIGTERM does: no new connections, and the drain limit for those
  /// there are. Does nothing if it does not run.
  void stop();

  /// Suspends until the program does not run any more; any task of the test may wait for that.
  auto ended() noexcept { return ended_.wait(); }

 private:
  friend machine;

  class process;

  void start(event_loop& loop);
  bool wants_turn() const noexcept;
  void take_turn(event_loop& loop);
  /// The power of its host is cut; it comes back with that.
  void crash() noexcept;
  void end_now() noexcept;

  std::function<void(application&)> set_up_;
  std::unique_ptr<process> process_;
  bool crashed_ = false;
  event ended_;
};

}  // namespace cetane::testing
