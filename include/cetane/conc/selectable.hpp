#pragma once

#include <cetane/base/config.hpp>
#include <cetane/coro/scheduler.hpp>
#include <cetane/coro/task_context.hpp>

#include <concepts>
#include <coroutine>
#include <string>
#include <type_traits>
#include <utility>

namespace cetane {

/// One wait of one task: the state of an operation while somebody awaits it, by itself or as an arm
/// of first(). Whoever writes an operation of their own derives from it.
///
/// A wait goes in two phases, so that many can stand side by side and only one of them happens:
///
/// - `bool poll() noexcept`: whether commit() is possible now, be it to fail. Changes nothing.
/// - `void arm()`: begins to wait. When the operation can be committed, at once or later, it calls
///   wake(); from then on it stays so. What it needs for that, an item or a lock for example, is
///   reserved for it, and is nobody else's until commit() or disarm(). One that throws has begun
///   nothing, and has not called wake().
/// - `void disarm() noexcept`: ends the wait, and consumes nothing. What was reserved goes to the
///   next in line.
/// - `T commit()`: makes the operation happen and gives its result, or throws its error. Called
///   once, as soon as poll() says yes, armed or not. No disarm() follows.
/// - `std::string describe_wait() const`: says in a few words what is waited for.
/// - `bool had_turn() const noexcept`, optional: whether the task has had its share in this turn;
///   then others come first although poll() says yes. It is armed, and woken in its turn.
///
/// An operation names its class as `select_type`, which is constructed from the operation; the
/// object stays where it is. Its destructor ends the wait if that is still armed: the frame of a
/// task that is woken already may be destroyed instead of resumed, and then neither commit() nor
/// disarm() is called. Everything happens on the loop's thread.
class selectable {
 public:
  selectable(const selectable&) = delete;
  selectable& operator=(const selectable&) = delete;

  /// The task that waits; set before arm() and had_turn() are called.
  void set_task(detail::task_context& task) noexcept { task_ = &task; }

 protected:
  selectable() noexcept = default;
  ~selectable() = default;

  /// Resumes the task in its turn. Called once it is certain that commit() is possible.
  void wake() noexcept { task_->loop->make_ready(*task_); }

  detail::task_context& task() const noexcept { return *task_; }

  /// Whether it is `other` that waits, as far as that is known.
  bool is_task(const detail::task_context* other) const noexcept {
    return task_ != nullptr && task_ == other;
  }

 private:
  detail::task_context* task_ = nullptr;
};

namespace detail {

template <class S>
concept is_selectable = std::derived_from<S, selectable> && requires(S& s, const S& c) {
  { s.poll() }
  noexcept->std::same_as<bool>;
  s.arm();
  { s.disarm() }
  noexcept;
  s.commit();
  { c.describe_wait() } -> std::convertible_to<std::string>;
};

template <class Op>
concept is_operation = requires {
  typename std::remove_cvref_t<Op>::select_type;
};

template <class Op>
using select_type_t = typename std::remove_cvref_t<Op>::select_type;

/// Whether `wait`, for which poll() has said yes, is to let the others go first.
template <class S>
bool gives_way(const S& wait) noexcept {
  if constexpr (requires { wait.had_turn(); }) {
    return wait.had_turn();
  } else {
    return false;
  }
}

/// Lets `wait` tell whom it waits for, if it does.
template <class S>
void tell_causes_of(const S& wait, wait_causes& to) {
  if constexpr (requires { wait.tell_causes(to); }) wait.tell_causes(to);
}

template <class S>
using commit_result_t = decltype(std::declval<S&>().commit());

}  // namespace detail

/// Awaits one selectable by itself: what `operator co_await` of an operation returns.
template <class S>
class sole_wait final : public detail::waitable {
 public:
  template <class Op>
  explicit sole_wait(Op&& op) : wait_(std::forward<Op>(op)) {
    static_assert(detail::is_selectable<S>,
                  "a select_type derives from cetane::selectable and has poll, arm, disarm, commit "
                  "and describe_wait as its comment says");
  }

  bool await_ready() const noexcept { return false; }

  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> frame) {
    detail::task_context& task = *frame.promise().context;
    wait_.set_task(task);
    if (wait_.poll() && !detail::gives_way(wait_) && task.loop->within_budget()) return false;
    begin(frame, task);
    return true;
  }

  /// Suspends `task` at `frame` until the wait can be committed, be it in its next turn.
  void suspend(std::coroutine_handle<> frame, detail::task_context& task) {
    wait_.set_task(task);
    begin(frame, task);
  }

  decltype(auto) await_resume() {
    if (cancelled_ != cancel_reason::none) [[unlikely]]
      throw cancelled(cancelled_);
    return wait_.commit();
  }

  void cancel_wait(detail::task_context& task) noexcept override {
    wait_.disarm();
    cancelled_ = task.cancel_state;
    task.loop->make_ready(task);
  }

  std::string describe_wait() const override { return wait_.describe_wait(); }

  void tell_causes(detail::wait_causes& to) const override { detail::tell_causes_of(wait_, to); }

 private:
  void begin(std::coroutine_handle<> frame, detail::task_context& task) {
    task.suspend(frame, *this);
    try {
      wait_.arm();
    } catch (...) {
      task.waiting = nullptr;  // it goes on here
      throw;
    }
  }

  S wait_;
  cancel_reason cancelled_ = cancel_reason::none;
};

}  // namespace cetane
