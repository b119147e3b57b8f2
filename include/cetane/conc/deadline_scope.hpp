#pragma once

#include <cetane/base/clock.hpp>
#include <cetane/base/config.hpp>
#include <cetane/coro/task_context.hpp>
#include <cetane/runtime/cancel_scope.hpp>
#include <cetane/runtime/timer.hpp>

#include <string>

namespace cetane::detail {

/// A cancel scope with a deadline. The running task, and what it spawns meanwhile, is in it as long
/// as the object lives.
///
/// The deadline is a timer: what is ready at once is done even if the deadline is now, or has
/// passed. Of nested deadlines the earliest counts; of equal ones the outermost.
class CETANE_API deadline_scope final : timer {
 public:
  /// @param waited_for  If given, gets what the task waits for when the deadline comes.
  /// @param shielded    Whether cancels from outside the scope reach into it.
  explicit deadline_scope(duration span, std::string* waited_for = nullptr,
                          cancel_scope::shield shielded = cancel_scope::shield::no);
  explicit deadline_scope(time_point deadline, std::string* waited_for = nullptr,
                          cancel_scope::shield shielded = cancel_scope::shield::no);

  /// Leaves the scope. Tasks that are still in it go on in the scope around it, cancelled if they
  /// were.
  ~deadline_scope() { leave(); }

  /// Says whether the deadline has passed within the scope.
  bool expired() const noexcept { return expired_; }

  /// Leaves the scope before the object's end; throws cancelled if the task is cancelled outside of
  /// the scope too, by whatever came first.
  void leave_or_throw();

 private:
  void leave() noexcept;
  void on_timer() noexcept override;

  task_context& task_;
  std::string* waited_for_;
  bool expired_ = false;
  bool left_ = false;
  cancel_scope scope_;
};

}  // namespace cetane::detail
