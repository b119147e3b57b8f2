#pragma once

#include <cetane/conc/join_handle.hpp>
#include <cetane/conc/kept_text.hpp>
#include <cetane/conc/reference_check.hpp>
#include <cetane/runtime/family.hpp>

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

/// The tie of a task to who started it, as a part of its record. This one is none.
class no_tie {
 public:
  using to = event_loop;
  no_tie(task_context&, to&) noexcept {}

  /// The task has ended, its record says how. Says whether somebody sees to its error.
  bool ended(const auto&) noexcept { return false; }
};

/// That of a child to its parent: see fork_child().
class family_tie : public family_member {
 public:
  using to = family;
  family_tie(task_context& self, to& of) noexcept : family_member(self) { of.add(*this); }

  bool ended(const auto&) noexcept {
    leave_family();
    return false;
  }
};

/// A spawned task with the callable and the arguments that it was started with: they live as long
/// as its frames.
template <class T, class Tie, class Fn, class... Args>
class spawned_call final : public spawned<T>, Tie {
 public:
  template <class F, class... As>
  explicit spawned_call(typename Tie::to& tied_to, F&& fn, As&&... args)
      : Tie(static_cast<task_context&>(*this), tied_to),
        call_(std::forward<F>(fn), std::forward<As>(args)...) {}
  ~spawned_call() override {
    if (!this->done()) std::destroy_at(&call_);
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

  void on_finished() noexcept override {
    this->end_frame();
    std::destroy_at(&call_);
    if (Tie::ended(*this)) this->leave_report();
    this->end();
  }

  union {
    call call_;
  };
};

template <class Call>
auto start_call(event_loop& loop, cancel_scope& scope, std::unique_ptr<Call> task) {
  task->loop = &loop;
  task->scope = &scope;
  const std::coroutine_handle<> root = task->make_root();
  loop_of(*task).start(*task, root);  // read back, so that `loop` need not survive make_root()
  return join_handle<typename Call::value_type>(*task.release());
}

template <class Tie, class Fn, class... Args>
auto spawn_tied(event_loop& loop, cancel_scope& scope, typename Tie::to& tied_to, Fn&& fn,
                Args&&... args) {
  static_assert(!(std::is_lvalue_reference_v<Args> || ...) ||
                    !(std::is_same_v<std::remove_cvref_t<Args>, connection> || ...),
                "spawn and fork cannot keep a handler's connection alive: await the task, or move "
                "a connection of your own in");
  static_assert(
      alignof(std::decay_t<Fn>) <= __STDCPP_DEFAULT_NEW_ALIGNMENT__ &&
          ((alignof(kept_t<Args>) <= __STDCPP_DEFAULT_NEW_ALIGNMENT__) && ...),
      "spawn(fn, args...): what is kept for a task is aligned for fundamental types only; give it "
      "what needs more by a std::unique_ptr");
  using value = spawned_value_t<std::decay_t<Fn>, kept_t<Args>...>;
  using call = spawned_call<value, Tie, std::decay_t<Fn>, kept_t<Args>...>;
  return start_call(
      loop, scope,
      std::make_unique<call>(tied_to, std::forward<Fn>(fn), std::forward<Args>(args)...));
}

template <class Fn, class... Args>
auto spawn_in(event_loop& loop, cancel_scope& scope, Fn&& fn, Args&&... args) {
  return spawn_tied<no_tie>(loop, scope, loop, std::forward<Fn>(fn), std::forward<Args>(args)...);
}

}  // namespace detail

/// Starts fn(args...) as a task of its own and returns a handle to join or cancel it.
///
/// Does not suspend: the task begins after this one has suspended, in the order of the calls (but
/// for a simulation with shuffled_turns). `fn` and `args` are copied or moved into the task, as
/// std::thread does, and destroyed when it ends; share with std::ref. The task belongs to the
/// innermost cancel scope of the caller: a deadline around the call is one of the task's too.
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

/// Starts fn(args...) as a child of this task: diesel's fork_child. It ends with its parent.
///
/// When the parent ends, in whatever way, its children are cancelled with the reason `parent`,
/// those included that have not begun; and the parent's own end, for who joins it, is when they
/// have ended too. What the parent's body owned is gone by then, so give a child what it needs by
/// value; what the parent itself was given by reference, a handler's connection by std::ref for
/// example, is there as long as the child. Otherwise as spawn().
/// @throws std::logic_error  The parent has ended: a destructor of what it was given calls this.
template <class Fn, class... Args>
auto fork_child(Fn&& fn, Args&&... args) {
  detail::task_context& parent = detail::this_task("fork_child");
  if (!parent.root) detail::throw_childless();
  event_loop& loop = detail::loop_of(parent);
  detail::family& children = loop.family_of(parent);
  return detail::spawn_tied<detail::family_tie>(loop, *parent.scope, children, std::forward<Fn>(fn),
                                                std::forward<Args>(args)...);
}

}  // namespace cetane
