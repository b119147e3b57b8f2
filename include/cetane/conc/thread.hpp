#pragma once

#include <cetane/conc/offloaded_call.hpp>
#include <cetane/coro/callable_guard.hpp>
#include <cetane/coro/outcome.hpp>

#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>

namespace cetane {

template <class T>
class thread_op;
template <class T>
class thread_wait;

namespace detail {

template <class T>
class offloaded : public offloaded_call {
 public:
  std::exception_ptr error() const noexcept final { return result_.error(); }

 protected:
  void hand_over(offload_caller& to) noexcept final;

  outcome<T> result_;
};

template <class T, class Fn, class... Args>
class offloaded_function final : public offloaded<T> {
 public:
  template <class F, class... As>
  explicit offloaded_function(F&& fn, As&&... args)
      : call_(std::in_place, std::forward<F>(fn), std::forward<As>(args)...) {}

  void run() noexcept override {
    try {
      const auto call = [](Fn& fn, Args&... args) -> decltype(auto) {
        return std::invoke(std::move(fn), std::move(args)...);
      };
      if constexpr (std::is_void_v<T>) {
        std::apply(call, *call_);
        this->result_.set_value();
      } else {
        this->result_.set_value(std::apply(call, *call_));
      }
    } catch (...) {
      this->result_.set_error(std::current_exception());
    }
    call_.reset();  // before the task goes on: with the result it gets back what the function owned
  }

 private:
  std::optional<std::tuple<Fn, Args...>> call_;
};

template <class T>
inline constexpr bool is_coroutine_result = requires {
  typename std::coroutine_traits<T>::promise_type;
};

template <class Fn, class... Args>
constexpr auto offloaded_value() {
  if constexpr (!std::is_invocable_v<Fn, Args...>) {
    static_assert(sizeof(Fn) == 0,
                  "thread(fn, args...): fn cannot be called with these arguments; it gets copies, "
                  "use std::ref to share");
  } else {
    using result = std::invoke_result_t<Fn, Args...>;
    static_assert(!is_coroutine_result<result>,
                  "thread(fn, args...) runs plain functions; a coroutine is awaited, or spawned");
    if constexpr (std::is_lvalue_reference_v<result>) {
      return std::type_identity<result>{};
    } else {
      return std::type_identity<std::remove_cvref_t<result>>{};
    }
  }
}

}  // namespace detail

/// The wait of a task for a function on the offload pool. The call is made when it is armed.
template <class T>
class thread_wait final : public detail::offload_wait {
 public:
  explicit thread_wait(thread_op<T>&& op) noexcept : call_(std::move(op.call_)) {}

  void arm() { begin(std::move(call_)); }
  T commit() { return result_.take(); }

 private:
  friend detail::offloaded<T>;

  std::unique_ptr<detail::offloaded<T>> call_;
  detail::outcome<T> result_;
};

/// Runs a function on the offload pool; made by thread().
template <class T>
class [[nodiscard("thread() runs nothing until it is awaited")]] thread_op {
 public:
  using select_type = thread_wait<T>;

  explicit thread_op(std::unique_ptr<detail::offloaded<T>> call) noexcept
      : call_(std::move(call)) {}

  sole_wait<thread_wait<T>> operator co_await() noexcept {
    return sole_wait<thread_wait<T>>(std::move(*this));
  }

 private:
  friend thread_wait<T>;

  std::unique_ptr<detail::offloaded<T>> call_;
};

template <class T>
void detail::offloaded<T>::hand_over(offload_caller& to) noexcept {
  static_cast<thread_wait<T>&>(to).result_.take_from(result_);
}

/// Runs fn(args...) on a thread of the process-wide offload pool, and gives its result or throws
/// what it threw.
///
/// For what blocks and cannot do otherwise: name servers, files, other people's libraries. Always
/// suspends, and resumes on this loop's thread. The pool has 32 threads at most (or the number of
/// cores and 4, if that is less); calls wait their turn, and behind 1,024 that wait they wait for
/// room. `fn` and `args` are copied or moved into the call, as std::thread does; share with
/// std::ref what outlives the call even if this task is cancelled.
/// @throws error  There is no thread, and none can be started.
/// @par Cancellation  The task stops waiting at once. A call that has not begun is not made; one
/// that runs goes on, and its result is dropped on its own thread. The same goes for a call that
/// loses in first(), where it is not made either when another operation is ready at once.
/// @par Lifetime      What is passed by std::ref, pointer or view outlives the call itself, not
/// only the await.
template <class Fn, class... Args>
auto thread(Fn&& fn, Args&&... args) {
  detail::guard_callable<Fn>();
  using value =
      typename decltype(detail::offloaded_value<std::decay_t<Fn>, std::decay_t<Args>...>())::type;
  using call = detail::offloaded_function<value, std::decay_t<Fn>, std::decay_t<Args>...>;
  return thread_op<value>(
      std::make_unique<call>(std::forward<Fn>(fn), std::forward<Args>(args)...));
}

}  // namespace cetane
