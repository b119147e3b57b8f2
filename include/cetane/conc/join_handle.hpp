#pragma once

#include <cetane/conc/selectable.hpp>
#include <cetane/coro/callable_guard.hpp>
#include <cetane/coro/outcome.hpp>
#include <cetane/coro/task.hpp>
#include <cetane/coro/wait_causes.hpp>
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
template <class T>
class join_wait;

namespace detail {

template <class T>
T take_result(join_handle<T>& of);

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
    end_call();
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

  using value_type = T;

 protected:
  /// Destroys the function and the arguments that the task was started with: its frames are gone.
  virtual void end_call() noexcept = 0;

  /// What ended the task, if it was no result.
  std::exception_ptr error() const noexcept { return result_.error(); }

  /// Somebody sees to the error: it is not to be logged.
  void leave_report() noexcept { reported_ = true; }

 private:
  friend join_handle<T>;
  friend join_wait<T>;
  friend T take_result<T>(join_handle<T>& of);

  // For the report that may follow, since the name comes from the frame. Without memory for it the
  // report has none.
  void keep_label() noexcept {
    try {
      if (label_.empty()) label_ = function_label(root);
    } catch (const std::bad_alloc&) {
    }
  }

  void report_error() noexcept {
    if (taken_ || reported_) return;
    reported_ = true;
    if (const std::exception_ptr error = result_.error()) report_unhandled(*this, error);
  }

  outcome<T> result_;
  std::string label_;
  task_context* joiner_ = nullptr;
  bool done_ = false;
  bool taken_ = false;     // the result was handed out
  bool reported_ = false;  // its error was logged, or somebody else sees to it
};

/// Takes the result of a task that has ended, as a join does but without an await.
template <class T>
T take_result(join_handle<T>& of) {
  spawned<T>& ended = of.state();
  ended.taken_ = true;
  return ended.result_.take();
}

}  // namespace detail

/// A spawned task as its spawner sees it: awaiting it joins the task and gives its result.
///
/// Dropping the handle lets the task go on by itself; an exception that nobody joins for is then
/// logged. Movable; loop thread only.
template <class T = void>
class join_handle {
 public:
  using select_type = join_wait<T>;

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

  /// Waits until the task has ended and gives its result, or throws what ended it; a cancelled task
  /// throws cancelled.
  ///
  /// Suspends unless the task has ended. The handle may be moved or dropped meanwhile.
  /// @throws std::logic_error  The result was taken before, another task joins this one already, or
  ///                           it is the caller itself.
  /// @par Cancellation  The joined task goes on.
  sole_wait<join_wait<T>> operator co_await() & { return sole_wait<join_wait<T>>(*this); }
  sole_wait<join_wait<T>> operator co_await() && {
    static_assert(!detail::destroys_temporaries_twice || sizeof(T*) == 0,
                  "g++ 12 destroys a lambda that is written inside a co_await expression twice, so "
                  "name the handle before you await it: auto h = spawn(f, x); co_await h;");
    return sole_wait<join_wait<T>>(*this);
  }

 private:
  friend join_wait<T>;
  friend T detail::take_result<T>(join_handle<T>& of);

  detail::spawned<T>& state() const {
    if (task_ == nullptr)
      throw std::logic_error("this join_handle has no task: it is empty or was moved from");
    return *task_;
  }

  detail::spawned<T>* task_ = nullptr;
};

/// The wait of one task for the end of another.
template <class T>
class join_wait final : public selectable {
 public:
  explicit join_wait(join_handle<T>& handle) : joined_(handle.state()) { joined_.keep(); }
  // A loop that is destroyed drops a wait that has been woken by another arm without disarm().
  ~join_wait() {
    if (armed_ && joined_.joiner_ == &task()) disarm();
    joined_.release();
  }

  // A task that has ended and that somebody waits for belongs to that one.
  bool poll() const noexcept { return joined_.done() && (armed_ || joined_.joiner_ == nullptr); }
  void arm() {
    if (&joined_ == &task()) throw std::logic_error("a task joins itself: it would wait for ever");
    if (joined_.joiner_ != nullptr) throw std::logic_error("a task is joined by two at once");
    joined_.joiner_ = &task();
    armed_ = true;
    if (joined_.done()) wake();
  }
  void disarm() noexcept { joined_.joiner_ = nullptr; }
  T commit() {
    if (armed_) disarm();
    if (std::exchange(joined_.taken_, true))
      throw std::logic_error("a task's result is taken twice");
    return joined_.result_.take();
  }
  std::string describe_wait() const { return "join " + joined_.label(); }
  void tell_causes(detail::wait_causes& to) const { to.end_of(joined_); }

 private:
  detail::spawned<T>& joined_;
  bool armed_ = false;
};

}  // namespace cetane
