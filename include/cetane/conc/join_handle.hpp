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
#include <memory>
#include <new>
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

/// Throws std::logic_error.
[[noreturn]] CETANE_API void refuse_join(const char* why);

/// Few tasks have a name of their own; those that have none do not pay for its end.
struct seldom_deleted {
  [[gnu::cold, gnu::noinline]] void operator()(const std::string* text) const noexcept {
    delete text;
  }
};

/// A spawned task's record: kept by the running task, by the join_handle and by who awaits that,
/// whichever ends last.
template <class T>
class spawned : public task_context, public pooled {
 public:
  /// Held by the running task and by its handle.
  spawned() noexcept { references = 2; }
  virtual ~spawned() {
    if (result_.has_error()) [[unlikely]]
      report();
  }

  std::string label() const override { return label_ ? *label_ : function_label(root); }

  void keep() noexcept { ++references; }
  void release() noexcept {
    if (--references == 0) delete this;
  }

  bool done() const noexcept { return done_; }

  /// What ended the task, if it was no result.
  std::exception_ptr error() const noexcept { return result_.error(); }

  using value_type = T;

 protected:
  /// What on_finished() does first: takes the result, and destroys the frame.
  void end_frame() noexcept {
    if (!root) [[unlikely]]
      return set_shut_down();
    auto frame = task<T>::handle_type::from_address(root.address());
    if (result_.take_from(frame.promise().result)) [[unlikely]]
      keep_label();
    root = nullptr;
    frame.destroy();
  }

  /// Somebody sees to the error: it is not to be logged.
  void leave_report() noexcept { reported_ = true; }

  /// What on_finished() does last: tells who joins it.
  void end() noexcept {
    done_ = true;
    if (joiner_ != nullptr) joiner_->loop->make_ready(*joiner_);
    if (--references == 0) [[unlikely]]
      drop();
  }

 private:
  friend join_handle<T>;
  friend join_wait<T>;
  friend T take_result<T>(join_handle<T>& of);

  // For the report that may follow, since the name comes from the frame. Without memory for it the
  // report has none.
  [[gnu::cold, gnu::noinline]] void keep_label() noexcept {
    try {
      if (!label_) label_.reset(new std::string(function_label(root)));
    } catch (const std::bad_alloc&) {
    }
  }

  [[gnu::cold, gnu::noinline]] void set_shut_down() noexcept {
    result_.set_error(std::make_exception_ptr(cancelled(cancel_reason::shutdown)));
  }

  [[gnu::cold, gnu::noinline]] void report() noexcept {
    if (!taken_ && !reported_) report_unhandled(*this, result_.error());
  }
  [[gnu::noinline]] void drop() noexcept { delete this; }

  outcome<T> result_;
  std::unique_ptr<const std::string, seldom_deleted> label_;
  task_context* joiner_ = nullptr;
  bool done_ = false;
  bool taken_ = false;     // the result was handed out
  bool reported_ = false;  // somebody else sees to its error
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
    state().label_.reset(new std::string(std::move(text)));
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
    if (task_ == nullptr) [[unlikely]]
      detail::refuse_join("this join_handle has no task: it is empty or was moved from");
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
    if (is_armed()) disarm();
    joined_.release();
  }

  // A task that has ended and that somebody waits for belongs to that one.
  bool poll() const noexcept {
    return joined_.done() && (joined_.joiner_ == nullptr || is_armed());
  }
  void arm() {
    if (&joined_ == &task()) [[unlikely]]
      detail::refuse_join("a task joins itself: it would wait for ever");
    if (joined_.joiner_ != nullptr) [[unlikely]]
      detail::refuse_join("a task is joined by two at once");
    joined_.joiner_ = &task();
    if (joined_.done()) [[unlikely]]
      wake();
  }
  void disarm() noexcept { joined_.joiner_ = nullptr; }
  T commit() {
    disarm();
    if (std::exchange(joined_.taken_, true)) [[unlikely]]
      detail::refuse_join("a task's result is taken twice");
    return joined_.result_.take();
  }
  std::string describe_wait() const { return "join " + joined_.label(); }
  void tell_causes(detail::wait_causes& to) const { to.end_of(joined_); }

 private:
  bool is_armed() const noexcept { return is_task(joined_.joiner_); }

  detail::spawned<T>& joined_;
};

}  // namespace cetane
