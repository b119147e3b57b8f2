#pragma once

#include <cetane/coro/frame_memory.hpp>
#include <cetane/coro/outcome.hpp>
#include <cetane/coro/scheduler.hpp>
#include <cetane/coro/task_context.hpp>

#include <bit>
#include <concepts>
#include <coroutine>
#include <cstddef>
#include <exception>
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
        "spawn it: auto h = spawn(f, x)");
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
  const void* where = nullptr;  // a std::source_location; the class costs GCC 8 bytes an await
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
