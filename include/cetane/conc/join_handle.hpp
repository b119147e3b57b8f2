#pragma once

#include <cetane/coro/callable_guard.hpp>
#include <cetane/coro/outcome.hpp>
#include <cetane/coro/task.hpp>
#include <cetane/runtime/cancel_scope.hpp>
#include <cetane/runtime/event_loop.hpp>
#include <cetane/runtime/this_task.hpp>

#include <coroutine>
#include <new>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

namespace cetane {

template <class T>
class join_handle;

namespace detail {

/// A spawned task's record: kept by the running task, by the join_handle and by who awaits that,
/// whichever ends last.
template <class T>
class spawned : public task_context, public pooled {
 public:
  virtual ~spawned() = default;

  std::string label() const override { return label_.empty() ? function_label(root) : label_; }

  void on_finished() noexcept override {
    if (root) {
      auto frame = task<T>::handle_type::from_address(root.address());
      result_.take_from(frame.promise().result);
      if (result_.error()) keep_label();
      root = nullptr;
      frame.destroy();
    } else {
      result_.set_error(std::make_exception_ptr(cancelled(cancel_reason::shutdown)));
    }
    drop_call();
    done_ = true;
    if (joiner_ != nullptr) joiner_->loop->make_ready(*joiner_);
    release();
  }

  void keep() noexcept { ++references; }
  void release() noexcept {
    if (--references != 0) return;
    report_error();
    delete this;
  }

  bool done() const noexcept { return done_; }

 protected:
  /// Destroys the function and the arguments that the task was started with: its frames are gone.
  virtual void drop_call() noexcept = 0;

 private:
  friend join_handle<T>;

  // For the report that may follow, since the name comes from the frame. Without memory for it the
  // report has none.
  void keep_label() noexcept {
    try {
      if (label_.empty()) label_ = function_label(root);
    } catch (const std::bad_alloc&) {
    }
  }

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
/// Dropping the handle lets the task go on by itself; an exception that nobody joins for is then
/// logged. Movable; loop thread only.
template <class T = void>
class join_handle {
 public:
  join_handle() noexcept = default;
  explicit join_handle(detail::spawned<T>& task) noexcept : task_(&task) {}
  join_handle(join_handle&& other) noexcept : task_(std::exchange(other.task_, nullptr)) {}
  join_handle& operator=(join_handle&& other) noexcept {
    join_handle(std::move(other)).swap(*this);
    return *this;
  }
  ~join_handle() {
    if (task_ != nullptr) task_->release();
  }

  /// Whether the task has ended.
  bool done() const { return state().done(); }

  void swap(join_handle& other) noexcept { std::swap(task_, other.task_); }

  /// Asks the task to end: its current await, and every later one, throws cancelled. Does nothing
  /// when it has ended.
  ///
  /// A task that has not begun yet does begin, and its first await throws. An await whose operation
  /// was complete when the request came still gives its result.
  void cancel(cancel_reason why = cancel_reason::user) {
    detail::spawned<T>& task = state();
    if (!task.done()) detail::cancel_task(task, why);
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
    explicit awaiter(detail::spawned<T>& joined) noexcept : joined_(joined) { joined_.keep(); }
    awaiter(const awaiter&) = delete;
    awaiter& operator=(const awaiter&) = delete;
    ~awaiter() { joined_.release(); }

    bool await_ready() const noexcept { return joined_.done() && joined_.loop->within_budget(); }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> frame) {
      detail::task_context& task = *frame.promise().context;
      if (joined_.done()) return task.pause(frame);
      if (&joined_ == &task) throw std::logic_error("a task joins itself: it would wait for ever");
      if (joined_.joiner_ != nullptr) throw std::logic_error("a task is joined by two at once");
      joined_.joiner_ = &task;
      task.suspend(frame, *this);
    }
    T await_resume() {
      if (!joined_.done()) throw_if_cancelled();
      if (std::exchange(joined_.taken_, true))
        throw std::logic_error("a task's result is taken twice");
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

  /// Waits until the task has ended and gives its result, or throws what ended it; a cancelled task
  /// throws cancelled.
  ///
  /// Suspends unless the task has ended. The handle may be moved or dropped meanwhile.
  /// @throws std::logic_error  The result was taken before, another task joins this one already, or
  ///                           it is the caller itself.
  /// @par Cancellation  The joined task goes on.
  awaiter operator co_await() & { return awaiter(state()); }
  awaiter operator co_await() && {
    static_assert(!detail::destroys_temporaries_twice || sizeof(T*) == 0,
                  "g++ 12 destroys a lambda that is written inside a co_await expression twice, so "
                  "name the handle before you await it: auto h = spawn(f, x); co_await h;");
    return awaiter(state());
  }

 private:
  detail::spawned<T>& state() const {
    if (task_ == nullptr)
      throw std::logic_error("this join_handle has no task: it is empty or was moved from");
    return *task_;
  }

  detail::spawned<T>* task_ = nullptr;
};

}  // namespace cetane
