#pragma once

#include <cetane/conc/join_handle.hpp>
#include <cetane/conc/kept_text.hpp>
#include <cetane/conc/reference_check.hpp>

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
  using moved = T&&;
  using shared = T&;
};
template <class T>
struct kept_argument<std::reference_wrapper<T>> {
  using moved = T&;
  using shared = T&;
};

// The function may move from the kept arguments, so it can take what cannot be copied by value. One
// that wants references which do not bind to moved arguments is given references to them.
template <class Fn, class... Args>
inline constexpr bool takes_moved =
    std::is_invocable_v<Fn&, typename kept_argument<Args>::moved...>;
template <class Fn, class... Args>
inline constexpr bool takes_shared =
    std::is_invocable_v<Fn&, typename kept_argument<Args>::shared...>;

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
  static_assert(
      !gets_temporary<Fn, typename kept_argument<Args>::moved...>(),
      "spawn(fn, args...): fn takes a reference, and an argument would have to be converted for "
      "it; what that makes is gone when fn first suspends: convert the argument yourself, or let "
      "fn take it by value");
  static_assert(
      !is_task<Fn>,
      "spawn takes the coroutine and its arguments, spawn(f, x), not a task that is made already");
  if constexpr (takes_moved<Fn, Args...>) {
    using result = task_value<std::invoke_result_t<Fn&, typename kept_argument<Args>::moved...>>;
    static_assert(result::valid,
                  "spawn(fn, args...): fn must be a coroutine that returns cetane::task<...>");
    return std::type_identity<typename result::type>{};
  } else if constexpr (takes_shared<Fn, Args...>) {
    using result = task_value<std::invoke_result_t<Fn&, typename kept_argument<Args>::shared...>>;
    static_assert(result::valid,
                  "spawn(fn, args...): fn must be a coroutine that returns cetane::task<...>");
    return std::type_identity<typename result::type>{};
  } else {
    static_assert(is_task<Fn>,
                  "spawn(fn, args...): fn cannot be called with these arguments; they are kept as "
                  "copies, and all are given to fn by move or all by reference; use std::ref to "
                  "share");
  }
}

template <class Fn, class... Args>
using spawned_value_t = typename decltype(spawned_value<Fn, Args...>())::type;

/// A spawned task with the callable and the arguments that it was started with: they live as long
/// as its frames.
template <class T, class Fn, class... Args>
class spawned_call final : public spawned<T> {
 public:
  template <class F, class... As>
  explicit spawned_call(F&& fn, As&&... args)
      : call_(std::forward<F>(fn), std::forward<As>(args)...) {}
  ~spawned_call() override {
    if (!this->done()) drop_call();
  }

  std::coroutine_handle<> make_root() {
    return std::apply(
        [this](auto&... kept) -> std::coroutine_handle<> {
          return std::invoke(call_.fn, hand_over(kept)...).release();
        },
        call_.args);
  }

 private:
  struct call {
    template <class F, class... As>
    explicit call(F&& f, As&&... as) : fn(std::forward<F>(f)), args(std::forward<As>(as)...) {}
    Fn fn;
    std::tuple<Args...> args;
  };

  template <class A>
  static decltype(auto) hand_over(A& kept) noexcept {
    if constexpr (takes_moved<Fn, Args...>) {
      return static_cast<typename kept_argument<A>::moved>(kept);
    } else {
      return static_cast<typename kept_argument<A>::shared>(kept);
    }
  }

  void drop_call() noexcept override { std::destroy_at(&call_); }

  union {
    call call_;
  };
};

template <class Fn, class... Args>
auto spawn_in(event_loop& loop, cancel_scope& scope, Fn&& fn, Args&&... args) {
  static_assert(!(std::is_lvalue_reference_v<Args> || ...) ||
                    !(std::is_same_v<std::remove_cvref_t<Args>, connection> || ...),
                "spawn and fork cannot keep a handler's connection alive: await the task, or move "
                "a connection of your own in");
  using value = spawned_value_t<std::decay_t<Fn>, kept_t<Args>...>;
  using call = spawned_call<value, std::decay_t<Fn>, kept_t<Args>...>;
  auto task = std::make_unique<call>(std::forward<Fn>(fn), std::forward<Args>(args)...);
  const std::coroutine_handle<> root = task->make_root();
  task->references = 2;
  loop.start(*task, root, scope);
  return join_handle<value>(*task.release());
}

}  // namespace detail

/// Starts fn(args...) as a task of its own and returns a handle to join or cancel it.
///
/// Does not suspend: the task begins after this one has suspended, in the order of the calls. `fn`
/// and `args` are copied or moved into the task, as std::thread does, and destroyed when it ends;
/// share with std::ref. The task belongs to the innermost cancel scope of the caller: a deadline
/// around the call is one of the task's too.
/// @throws std::bad_alloc  Nothing was started.
template <class Fn, class... Args>
auto spawn(Fn&& fn, Args&&... args) {
  detail::task_context& parent = detail::this_task("spawn");
  return detail::spawn_in(detail::loop_of(parent), *parent.scope, std::forward<Fn>(fn),
                          std::forward<Args>(args)...);
}

/// Starts fn(args...) in the group of the service or application: diesel's fork. It outlives its
/// parent.
///
/// Otherwise as spawn().
template <class Fn, class... Args>
auto fork(Fn&& fn, Args&&... args) {
  detail::task_context& parent = detail::this_task("fork");
  return detail::spawn_in(detail::loop_of(parent), parent.scope->home(), std::forward<Fn>(fn),
                          std::forward<Args>(args)...);
}

}  // namespace cetane
