#pragma once

#include <cetane/coro/frame_memory.hpp>
#include <cetane/coro/task_context.hpp>

#include <bit>
#include <concepts>
#include <coroutine>
#include <cstddef>
#include <exception>
#include <memory>
#include <new>
#include <source_location>
#include <type_traits>
#include <utility>

namespace cetane {

template <class T>
class task;

namespace detail {

template <class T>
inline constexpr bool is_task = false;
template <class T>
inline constexpr bool is_task<task<T>> = true;

/// Stands for an awaiter that lives in the awaiting frame already.
///
/// await_transform cannot return a reference: GCC 12 then copies the awaiter into the frame (the
/// pattern battery in tests/compiler shows it).
template <class Awaiter>
class awaiter_ref {
 public:
  explicit awaiter_ref(Awaiter& awaiter) noexcept : awaiter_(&awaiter) {}
  bool await_ready() { return awaiter_->await_ready(); }
  template <class Promise>
  auto await_suspend(std::coroutine_handle<Promise> frame) {
    return awaiter_->await_suspend(frame);
  }
  decltype(auto) await_resume() { return awaiter_->await_resume(); }

 private:
  Awaiter* awaiter_;
};

template <class Awaitable>
concept makes_awaiter = requires(Awaitable&& a) {
  static_cast<Awaitable&&>(a).operator co_await();
};
template <class Awaitable>
concept is_made_awaiter = requires(Awaitable&& a) {
  operator co_await(static_cast<Awaitable&&>(a));
};

/// Awaitables that are asked even when the task is cancelled already: the shielded ones.
template <class Awaitable>
concept ignores_cancel = requires {
  requires std::remove_cvref_t<Awaitable>::ignores_cancel;
};

/// The place in a parent's frame that owns the child it awaits.
///
/// A child finds its parent here, and whoever ends a suspended task from outside destroys its
/// frames from the innermost one outwards: so no destructor of a child ever sees a parent's dead
/// variables, and a chain of any depth needs no stack.
class awaited_child {
 public:
  explicit awaited_child(std::coroutine_handle<> frame) noexcept : child(frame) {}
  awaited_child(const awaited_child&) = delete;
  awaited_child& operator=(const awaited_child&) = delete;
  ~awaited_child() {
    if (child) child.destroy();
  }

  std::coroutine_handle<> child;
  std::coroutine_handle<> parent;
};

/// What every frame holds besides its result, at the start of every promise.
class promise_base {
 public:
  static void* operator new(std::size_t bytes) { return allocate_frame(bytes); }
  static void operator delete(void* frame, std::size_t bytes) noexcept { free_frame(frame, bytes); }

  static promise_base& of(std::coroutine_handle<> frame) noexcept {
    return std::coroutine_handle<promise_base>::from_address(frame.address()).promise();
  }

  std::suspend_always initial_suspend() const noexcept { return {}; }

  struct final_awaiter {
    bool await_ready() const noexcept { return false; }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> frame) const noexcept {
      promise_base& self = frame.promise();
      scheduler& loop = *self.context->loop;
      if (self.awaited_by) {
        loop.next = self.awaited_by->parent;
      } else if (self.context->root == frame) {
        loop.finished(*self.context);
      }  // else the parent is further up on this very stack and looks itself
    }
    void await_resume() const noexcept {}
  };
  final_awaiter final_suspend() const noexcept { return {}; }

  /// Every co_await of a task passes here: the await notes its place and looks at the task's cancel
  /// state.
  template <class Awaitable>
  auto await_transform(Awaitable&& awaitable, const void* place = __builtin_source_location()) {
    static_assert(
        !is_task<std::remove_cvref_t<Awaitable>> || !std::is_lvalue_reference_v<Awaitable>,
        "a task is awaited where it is made, co_await f(x); to begin it now and await it later, "
        "spawn it: "
        "auto h = spawn(f, x)");
    where = place;
    if constexpr (!ignores_cancel<Awaitable>) {
      if (context->cancel_state != cancel_reason::none) [[unlikely]]
        await_while_cancelled(*context);
    }
    if constexpr (makes_awaiter<Awaitable>) {
      return std::forward<Awaitable>(awaitable).operator co_await();
    } else if constexpr (is_made_awaiter<Awaitable>) {
      return operator co_await(std::forward<Awaitable>(awaitable));
    } else {
      return awaiter_ref<std::remove_reference_t<Awaitable>>(awaitable);
    }
  }

  /// Where this frame awaits or last awaited; before the first await, where its function is.
  std::source_location location() const noexcept {
    static_assert(sizeof(std::source_location) == sizeof where);
    return where ? std::bit_cast<std::source_location>(where) : std::source_location();
  }

  awaited_child* awaited_by = nullptr;  // in the awaiting frame, once that one is suspended
  task_context* context = nullptr;
  const void* where =
      nullptr;  // a std::source_location as one word: the class costs GCC 8 bytes more an await
};

/// What a finished frame left behind: a value, or the exception that ended it.
///
/// It may be set twice: a destructor that throws after co_return has given the value sends the body
/// into its catch blocks, or ends it.
template <class T>
class outcome {
  static_assert(alignof(T) <= alignof(std::max_align_t),
                "task<T>: frames are aligned for fundamental types only, so an over-aligned T "
                "needs a home of its own; return a "
                "std::unique_ptr<T>");

 public:
  outcome() noexcept {}
  outcome(const outcome&) = delete;
  outcome& operator=(const outcome&) = delete;
  ~outcome() { destroy(); }

  template <class U>
  void set_value(U&& value) {
    if constexpr (!std::is_trivially_destructible_v<T>) {
      if (state_ != state::empty) [[unlikely]]
        clear();
    }
    std::construct_at(&value_, std::forward<U>(value));
    state_ = state::value;
  }
  void set_error(std::exception_ptr error) noexcept {
    clear();
    std::construct_at(&error_, std::move(error));
    state_ = state::error;
  }
  std::exception_ptr error() const noexcept {
    return state_ == state::error ? error_ : std::exception_ptr();
  }
  bool has_value() const noexcept { return state_ == state::value; }
  T take() {
    if (state_ == state::error) [[unlikely]]
      std::rethrow_exception(error_);
    return std::move(value_);
  }

  /// Moves in what `other` holds; an exception thrown by the move takes the value's place.
  void take_from(outcome& other) noexcept {
    if (other.state_ == state::error) return set_error(other.error_);
    if (other.state_ == state::empty) return;
    try {
      set_value(std::move(other.value_));
    } catch (...) {
      set_error(std::current_exception());
    }
  }

 private:
  enum class state : unsigned char { empty, value, error };

  void destroy() noexcept {
    if (state_ == state::value) std::destroy_at(&value_);
    if (state_ == state::error) std::destroy_at(&error_);
  }
  [[gnu::cold, gnu::noinline]] void clear() noexcept {
    destroy();
    state_ = state::empty;
  }

  union {
    T value_;
    std::exception_ptr error_;
  };
  state state_ = state::empty;
};

template <class T>
class outcome<T&> {
 public:
  void set_value(T& value) noexcept { value_ = &value; }
  void set_error(std::exception_ptr error) noexcept { error_ = std::move(error); }
  std::exception_ptr error() const noexcept { return error_; }
  bool has_value() const noexcept { return value_ != nullptr; }
  T& take() {
    if (error_) [[unlikely]]
      std::rethrow_exception(error_);
    return *value_;
  }
  void take_from(outcome& other) noexcept {
    value_ = other.value_;
    error_ = other.error_;
  }

 private:
  T* value_ = nullptr;
  std::exception_ptr error_;
};

template <>
class outcome<void> {
 public:
  void set_value() noexcept {}
  void set_error(std::exception_ptr error) noexcept { error_ = std::move(error); }
  std::exception_ptr error() const noexcept { return error_; }
  bool has_value() const noexcept { return !error_; }
  void take() {
    if (error_) [[unlikely]]
      std::rethrow_exception(error_);
  }
  void take_from(outcome& other) noexcept { error_ = other.error_; }

 private:
  std::exception_ptr error_;
};

template <class T>
class task_promise final : public promise_base {
 public:
  task<T> get_return_object(const void* place = __builtin_source_location()) noexcept;
  void unhandled_exception() noexcept { result.set_error(std::current_exception()); }
  template <class U = T>
  requires std::convertible_to<U&&, T>
  void return_value(U&& value) { result.set_value(std::forward<U>(value)); }

  outcome<T> result;
};

template <>
class task_promise<void> final : public promise_base {
 public:
  task<void> get_return_object(const void* place = __builtin_source_location()) noexcept;
  void unhandled_exception() noexcept { result.set_error(std::current_exception()); }
  void return_void() noexcept {}

  outcome<void> result;
};

}  // namespace detail
}  // namespace cetane
