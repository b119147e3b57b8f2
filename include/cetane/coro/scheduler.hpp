#pragma once

#include <cetane/coro/ready_queue.hpp>
#include <cetane/coro/task_context.hpp>

#include <coroutine>
#include <cstdint>
#include <utility>

namespace cetane::detail {

/// The part of the event loop that frames talk to: it resumes them one after the other.
///
/// A frame never resumes another one from its final suspension; it leaves the handle in `next` and
/// returns, and run() goes on with it. So the stack does not grow with the number of awaits, on any
/// compiler and with any flag: GCC makes no tail calls at -O0, -Og, -O1 and under sanitizers. A
/// child is first resumed inside its parent's await_suspend, up to max_depth deep, which is as
/// quick as a symmetric transfer when the child ends without suspending.
///
/// Every await that completes without suspending, and every hand-over through `next`, spends one of
/// the resume's await_budget.
class scheduler {
 public:
  static constexpr unsigned max_depth = 16;
  static constexpr unsigned await_budget = 128;

  /// Ends the wait of `task` and appends it to the ready queue. Never allocates.
  void make_ready(task_context& task) noexcept {
    if (task.waiting == nullptr || task.queued) [[unlikely]]
      return make_ready_besides(task);
    task.waiting = nullptr;
    ready_.push(task);
  }

  /// Appends the running task to the ready queue, behind all who are in it. See
  /// task_context::pause().
  void put_behind_all(task_context& task) noexcept {
    if (task.queued) [[unlikely]] {
      task.queued = task_context::behind_all;
    } else {
      ready_.push(task, task_context::behind_all);
    }
  }

  /// Takes note that the outermost frame of `task` has finished. Its frame is destroyed later, from
  /// the loop.
  void finished(task_context& task) noexcept {
    task.next_ready = finished_first_;
    finished_first_ = &task;
  }

  /// Called when the running task has spent its budget: it goes on at `frame` when all others have
  /// had their turn.
  virtual void end_turn(std::coroutine_handle<> frame) noexcept = 0;

  /// Called at an await of the running task, which is cancelled: throws cancelled, or returns to
  /// let the await begin.
  ///
  /// It returns when the task has swallowed too many in this resume. The await then suspends, and
  /// is cancelled a little later: so a task that catches everything and goes on neither stops the
  /// loop nor keeps a core busy.
  virtual void refuse_await(task_context& task) = 0;

  /// Whether an await may complete without suspending. If not, its task goes to the end of the
  /// ready queue first.
  [[nodiscard]] bool within_budget() noexcept { return --budget != 0; }

  /// Resumes `frame`, and then whatever it leaves in `next`, until its task suspends or ends.
  void run(std::coroutine_handle<> frame) {
    budget = await_budget;
    frame.resume();
    if (next) [[unlikely]]
      run_next();
  }

  std::coroutine_handle<> next;
  unsigned depth = 0;
  unsigned budget = 0;        // awaits that may still complete without suspending
  std::uint64_t resumes = 0;  // turns of tasks so far: the number of the one that runs

 protected:
  scheduler() = default;
  ~scheduler() = default;

  /// The rest of make_ready(): a task that does not wait, or whose turn comes anyway.
  virtual void make_ready_besides(task_context& task) noexcept = 0;

  /// The rest of run(): what the frame has left in `next`.
  void run_next() {
    do {
      const std::coroutine_handle<> following = std::exchange(next, nullptr);
      if (!within_budget()) return end_turn(following);
      following.resume();
    } while (next);
  }

  ready_queue ready_;
  task_context* finished_first_ = nullptr;
};

inline void task_context::pause(std::coroutine_handle<> frame) noexcept {
  leaf = frame;
  loop->put_behind_all(*this);
}

}  // namespace cetane::detail
