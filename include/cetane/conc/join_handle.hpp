#pragma once

#include <cetane/coro/task.hpp>
#include <cetane/runtime/event_loop.hpp>
#include <cetane/runtime/this_task.hpp>

#include <coroutine>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

namespace cetane {

template <class T>
class join_handle;

namespace detail {

/// A spawned task's record: kept by the running task and by the join_handle, whichever ends last.
template <class T>
class spawned : public task_context, public pooled {
 public:
  virtual ~spawned() = default;

  std::string label() const override {
    return label_.empty() ? function_label(root) : label_;
  }

  void on_finished() noexcept override {
    if (root) {
      auto frame = task<T>::handle_type::from_address(root.address());
      result_.take_from(frame.promise().result);
      if (result_.error() && label_.empty()) label_ = function_label(root);
      root = nullptr;
      frame.destroy();
    } else {
      result_.set_error(std::make_exception_ptr(cancelled(cancel_reason::shutdown)));
    }
    done_ = true;
    if (joiner_ != nullptr) joiner_->loop->make_ready(*joiner_);
    release();
  }

  void release() noexcept {
    if (--references != 0) return;
    report_error();
    delete this;
  }

  bool done() const noexcept { return done_; }

 private:
  friend join_handle<T>;

  void report_error() noexcept {
    if (taken_) return;
    taken_ = true;
    if (const std::exception_ptr error = result_.error()) report_unhandled(*this, error);
  }

  outcome<T> result_;
  std::string label_;
  task_context* joiner_ = nullptr;
  bool done_ = false;
  bool taken_ = false;  // the result was handed out, or its error was logged
};

}  // namespace detail

/// A spawned task as its spawner sees it: awaiting it joins the task and gives its result.
///
/// Dropping the handle lets the task go on by itself; an exception that nobody joins for is then logged. Movable; loop thread
/// only.
template <class T = void>
class [[nodiscard]] join_handle {
 public:
  join_handle() noexcept = default;
  explicit join_handle(detail::spawned<T>& task) noexcept : task_(&task) {}
  join_handle(join_handle&& other) noexcept : task_(std::exchange(other.task_, nullptr)) {}
  join_handle& operator=(join_handle&& other) noexcept {
    std::swap(task_, other.task_);
    return *this;
  }
  ~join_handle() {
    if (task_ != nullptr) task_->release();
  }

  /// Whether the task has ended.
  bool done() const { return state().done(); }

  /// Asks the task to end: its current await, and every later one, throws cancelled. Does nothing when it has ended.
  void cancel(cancel_reason why = cancel_reason::user) {
    detail::spawned<T>& task = state();
    if (task.done() || task.cancel_state != cancel_reason::none) return;
    task.cancel_state = why;
    if (detail::waitable* wait = std::exchange(task.waiting, nullptr)) wait->cancel_wait(task);
  }

  /// Names the task in logs and dumps.
  join_handle& label(std::string text) & {
    state().label_ = std::move(text);
    return *this;
  }
  join_handle&& label(std::string text) && { return std::move(label(std::move(text))); }

  /// What `co_await handle` does.
  class awaiter final : public detail::waitable {
   public:
    explicit awaiter(detail::spawned<T>& joined) noexcept : joined_(joined) {}
    bool await_ready() const noexcept { return joined_.done(); }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> frame) {
      detail::task_context& task = *frame.promise().context;
      if (joined_.joiner_ != nullptr) throw std::logic_error("a task is joined by two at once");
      joined_.joiner_ = &task;
      task.suspend(frame, *this);
    }
    T await_resume() {
      if (!joined_.done()) throw_if_cancelled();
      if (std::exchange(joined_.taken_, true)) throw std::logic_error("a task's result is taken twice");
      return joined_.result_.take();
    }
    void cancel_wait(detail::task_context& task) noexcept override {
      joined_.joiner_ = nullptr;
      reason_ = task.cancel_state;
      task.loop->make_ready(task);
    }
    std::string describe_wait() const override { return "join " + joined_.label(); }

   private:
    [[noreturn]] void throw_if_cancelled() const { throw cancelled(reason_); }

    detail::spawned<T>& joined_;
    cancel_reason reason_ = cancel_reason::none;
  };

  /// Waits until the task has ended and gives its result, or throws what ended it; a cancelled task throws cancelled.
  ///
  /// Suspends unless the task has ended.
  /// @throws std::logic_error  The result was taken before.
  /// @par Cancellation  The joined task goes on.
  awaiter operator co_await() { return awaiter(state()); }

 private:
  detail::spawned<T>& state() const {
    if (task_ == nullptr) throw std::logic_error("this join_handle has no task: it is empty or was moved from");
    return *task_;
  }

  detail::spawned<T>* task_ = nullptr;
};

}  // namespace cetane
