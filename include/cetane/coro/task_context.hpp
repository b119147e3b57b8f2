#pragma once

#include <cetane/base/config.hpp>
#include <cetane/base/errors.hpp>
#include <cetane/base/intrusive_list.hpp>

#include <coroutine>
#include <cstdint>
#include <string>

namespace cetane {

class cancel_scope;

namespace detail {

class scheduler;
class task_context;
class wait_causes;

/// What a stop asks of a wait.
enum class wait_kind : std::uint8_t {
  other,
  input,    ///< something that a peer has not sent yet
  members,  ///< the end of tasks in a scope of the waiting task's
};

/// What a suspended task waits for.
class CETANE_API waitable {
 public:
  /// Ends the wait of `task` early. The task resumes later, through the ready queue, and finds its
  /// `cancel_state` set.
  virtual void cancel_wait(task_context& task) noexcept = 0;

  /// Says in a few words what is waited for, for dump_tasks().
  virtual std::string describe_wait() const = 0;

  /// Tells whom it waits for, if it knows; asked when somebody wants to read it, never before.
  virtual void tell_causes(wait_causes&) const {}

  virtual wait_kind kind_of_wait() const noexcept { return wait_kind::other; }

 protected:
  waitable() = default;
  waitable(const waitable&) = default;
  waitable& operator=(const waitable&) = default;
  ~waitable() = default;
};

/// What all frames of one task share: where it runs, whether it is cancelled, what it waits for.
///
/// diesel calls this a Loop. States: ready or running (`waiting` is null), waiting (`leaf` is the
/// suspended frame, `waiting` the reason), finished (`root` is done). It lives in the list of
/// members of its innermost cancel scope.
class CETANE_API task_context : public list_hook<cancel_scope> {
 public:
  task_context(const task_context&) = delete;
  task_context& operator=(const task_context&) = delete;

  /// Notes that the task is suspended at `frame`, until make_ready(); `what` is told when the wait
  /// is cancelled.
  void suspend(std::coroutine_handle<> frame, waitable& what) noexcept {
    leaf = frame;
    waiting = &what;
  }

  /// Suspends the task at `frame` until all who are ready have had their turn.
  void pause(std::coroutine_handle<> frame) noexcept;

  /// The name in logs and dumps.
  virtual std::string label() const = 0;

  /// The peer's address if the task serves a connection, else empty.
  virtual std::string peer() const { return {}; }

  /// Called from the loop, once: `root` is done, or null when the loop had to destroy a task that
  /// did not end. May destroy this object.
  virtual void on_finished() noexcept = 0;

  static constexpr std::uint8_t behind_all = 2;

  // What has no value here gets one when the task starts: what is made for each task is counted in
  // stores.
  scheduler* loop;
  task_context* next_ready;  // in a ready_queue
  cancel_scope* scope;
  std::coroutine_handle<> leaf;
  std::coroutine_handle<> root;
  waitable* waiting = nullptr;
  std::uint32_t started_s;  // seconds on the loop's clock
  std::uint16_t references = 0;
  /// What awaits look at: the scope's reason, or the task's own.
  cancel_reason cancel_state : 4 = cancel_reason::none;
  /// Why the task itself was cancelled, not its scope.
  cancel_reason own_reason : 3 = cancel_reason::none;
  bool has_children : 1 = false;  // the loop knows its family
  /// Its turn comes, so that it need not be made ready; `behind_all`, when all others are to have
  /// theirs before.
  std::uint8_t queued = false;

 protected:
  task_context() = default;
  ~task_context() = default;
};

/// Throws cancelled with the task's reason.
[[noreturn]] CETANE_API void throw_cancelled(const task_context& task);

/// What an await does first when its task is cancelled: see scheduler::refuse_await().
[[gnu::cold]] CETANE_API void await_while_cancelled(task_context& task);

}  // namespace detail
}  // namespace cetane
