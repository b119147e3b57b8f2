#pragma once

#include <cetane/conc/join_handle.hpp>

#include <functional>
#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>

namespace cetane {

class connection;

namespace detail {

// std::thread's rule: what is handed to a task is copied or moved into it; std::ref shares.
template <class T>
struct kept_argument {
  using type = T&;
};
template <class T>
struct kept_argument<std::reference_wrapper<T>> {
  using type = T&;
};

template <class Fn, class... Args>
using call_result = std::invoke_result_t<Fn&, typename kept_argument<Args>::type...>;

template <class T>
struct task_value {
  static constexpr bool valid = false;
  using type = void;
};
template <class T>
struct task_value<task<T>> {
  static constexpr bool valid = true;
  using type = T;
};

template <class Fn, class... Args>
constexpr auto spawned_value() {
  if constexpr (!std::is_invocable_v<Fn&, typename kept_argument<Args>::type...>) {
    static_assert(sizeof(Fn) == 0,
                  "spawn(fn, args...): fn cannot be called with these arguments; they are kept as copies, use std::ref to share");
  } else {
    using result = call_result<Fn, Args...>;
    static_assert(task_value<result>::valid, "spawn(fn, args...): fn must be a coroutine that returns cetane::task<...>");
    return std::type_identity<typename task_value<result>::type>{};
  }
}

template <class Fn, class... Args>
using spawned_value_t = typename decltype(spawned_value<Fn, Args...>())::type;

/// A spawned task with the callable and the arguments that it was started with: they live as long as its frames.
template <class T, class Fn, class... Args>
class spawned_call final : public spawned<T> {
 public:
  template <class F, class... As>
  explicit spawned_call(F&& fn, As&&... args)
      : fn_(std::forward<F>(fn)), args_(std::forward<As>(args)...) {}

  std::coroutine_handle<> make_root() {
    return std::apply(
        [this](auto&... args) -> std::coroutine_handle<> {
          return std::invoke(fn_, unwrap(args)...).release();
        },
        args_);
  }

 private:
  template <class A>
  static A& unwrap(A& argument) noexcept {
    return argument;
  }
  template <class A>
  static A& unwrap(std::reference_wrapper<A>& argument) noexcept {
    return argument.get();
  }

  Fn fn_;
  std::tuple<Args...> args_;
};

template <class Fn, class... Args>
auto spawn_in(event_loop& loop, cancel_scope& scope, Fn&& fn, Args&&... args) {
  static_assert(!(std::is_lvalue_reference_v<Args> || ...) ||
                    !(std::is_same_v<std::remove_cvref_t<Args>, connection> || ...),
                "spawn and fork cannot keep a handler's connection alive: await the task, or move a connection of your own in");
  using value = spawned_value_t<std::decay_t<Fn>, std::decay_t<Args>...>;
  using call = spawned_call<value, std::decay_t<Fn>, std::decay_t<Args>...>;
  auto task = std::make_unique<call>(std::forward<Fn>(fn), std::forward<Args>(args)...);
  const std::coroutine_handle<> root = task->make_root();
  task->references = 2;
  loop.start(*task, root, scope);
  return join_handle<value>(*task.release());
}

}  // namespace detail

/// Starts fn(args...) as a task of its own and returns a handle to join or cancel it.
///
/// Does not suspend: the task begins after this one has suspended, in the order of the calls. `fn` and `args` are copied or
/// moved into the task, as std::thread does; share with std::ref. The task belongs to the innermost cancel scope of the caller:
/// a deadline around the call is one of the task's too.
/// @throws std::bad_alloc  Nothing was started.
template <class Fn, class... Args>
auto spawn(Fn&& fn, Args&&... args) {
  detail::task_context& parent = detail::this_task("spawn");
  return detail::spawn_in(detail::loop_of(parent), *parent.scope, std::forward<Fn>(fn),
                          std::forward<Args>(args)...);
}

/// Starts fn(args...) in the group of the service or application: diesel's fork. It outlives its parent.
///
/// Otherwise as spawn().
template <class Fn, class... Args>
auto fork(Fn&& fn, Args&&... args) {
  detail::task_context& parent = detail::this_task("fork");
  return detail::spawn_in(detail::loop_of(parent), parent.scope->home(), std::forward<Fn>(fn),
                          std::forward<Args>(args)...);
}

}  // namespace cetane
