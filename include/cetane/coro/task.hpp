#pragma once

#include <cetane/coro/promise.hpp>

#include <coroutine>
#include <type_traits>
#include <utility>

namespace cetane {

/// A coroutine that computes a T: what a handler and everything it calls returns.
///
/// Lazy: it does nothing until it is awaited or spawned. Immovable: it is awaited where it is made,
/// `co_await f(x)`, so its arguments live as long as it does; keep one for later by spawning it,
/// `auto h = spawn(f, x)`.
/// @par Errors        An exception that leaves the body is thrown by the co_await.
/// @par Cancellation  Every co_await inside looks at the cancel state first and throws cancelled.
template <class T = void>
class [[nodiscard("a task does nothing until it is awaited or spawned")]] task {
 public:
  using promise_type = detail::task_promise<T>;
  using value_type = T;
  using handle_type = std::coroutine_handle<promise_type>;

  task(const task&) = delete;
  task(task &&) = delete;  // it is awaited where it is made, or spawned
  task& operator=(const task&) = delete;
  task& operator=(task&&) = delete;
  ~task() {
    if (frame_) frame_.destroy();
  }

  class awaiter : detail::awaited_child {
   public:
    explicit awaiter(handle_type child) noexcept : awaited_child(child) {}

    bool await_ready() const noexcept { return false; }

    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> frame) {
      detail::task_context& context = *frame.promise().context;
      detail::promise_base& callee = promise();
      detail::scheduler& loop = *context.loop;
      callee.context = &context;
      parent = frame;
      if (loop.depth == detail::scheduler::max_depth) {
        callee.awaited_by = this;
        loop.next = child;
        return true;
      }
      ++loop.depth;
      child.resume();
      --loop.depth;
      if (!child.done()) {
        callee.awaited_by = this;
        return true;
      }
      if (loop.within_budget()) return false;
      context.pause(frame);
      return true;
    }

    T await_resume() { return promise().result.take(); }

   private:
    promise_type& promise() const noexcept {
      return handle_type::from_address(child.address()).promise();
    }
  };

  awaiter operator co_await()&& noexcept { return awaiter(std::exchange(frame_, {})); }

  /// The frame: for the library's own names of tasks.
  [[nodiscard]] handle_type frame() const noexcept { return frame_; }

  /// Gives up the frame: for the library's own roots.
  [[nodiscard]] handle_type release()&& noexcept { return std::exchange(frame_, {}); }

 private:
  friend promise_type;
  explicit task(handle_type frame) noexcept : frame_(frame) {}

  handle_type frame_;
};

namespace detail {

template <class T>
task<T> task_promise<T>::get_return_object(const void* place) noexcept {
  where = place;
  return task<T>(std::coroutine_handle<task_promise>::from_promise(*this));
}

inline task<void> task_promise<void>::get_return_object(const void* place) noexcept {
  where = place;
  return task<void>(std::coroutine_handle<task_promise>::from_promise(*this));
}

}  // namespace detail
}  // namespace cetane
