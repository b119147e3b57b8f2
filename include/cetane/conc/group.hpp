#pragma once

#include <cetane/conc/crew.hpp>
#include <cetane/coro/callable_guard.hpp>
#include <cetane/coro/task.hpp>

#include <cstddef>
#include <exception>
#include <functional>
#include <type_traits>
#include <utility>

namespace cetane {

/// The tasks that with_group() waits for; its body is given a reference to it, which is valid until
/// with_group() has ended.
class group {
 public:
  explicit group(detail::crew& members) noexcept : members_(members) {}
  group(const group&) = delete;
  group& operator=(const group&) = delete;

  /// Starts fn(args...) as a task of the group; otherwise as cetane::spawn().
  ///
  /// An error of the task ends the group, whether somebody joins it by its handle or not. A task
  /// that is cancelled by its handle alone does not.
  template <class Fn, class... Args>
  auto spawn(Fn&& fn, Args&&... args) {
    return members_.spawn(std::forward<Fn>(fn), std::forward<Args>(args)...);
  }

  /// Cancels all tasks of the group, and its body. with_group() then returns when they have ended.
  void cancel(cancel_reason why = cancel_reason::user) noexcept { members_.scope().cancel(why); }

  /// How many tasks of the group have not ended.
  std::size_t size() const noexcept { return members_.running(); }

 private:
  detail::crew& members_;
};

namespace detail {

template <class Body>
task<> run_group(Body body) {
  crew members(crew::end_by::error);
  group seen(members);
  std::exception_ptr failed;
  try {
    co_await std::invoke(body, seen);
  } catch (...) {
    failed = std::current_exception();
  }
  members.owner_ended(failed);
  do co_await members.join();
  while (members.running() != 0);  // one was started by another task when the last had ended
  members.finish();
}

}  // namespace detail

/// Runs body(group&), a coroutine that starts tasks in the group, and waits for it and for all of
/// them, whatever happens.
///
///     co_await with_group([&](group& tasks) -> task<> {
///       tasks.spawn(read_from, std::ref(left));
///       tasks.spawn(read_from, std::ref(right));
///       co_return;
///     });
///
/// So what the tasks use may be variables of the caller. The first error, of the body or of a task,
/// cancels the others with the reason `sibling`; when all have ended it is thrown, as it was
/// thrown first. Errors that came after it are logged, and attached_errors() gives them.
/// @par Cancellation  Cancels the body and all tasks, waits for them, and throws cancelled if that
///                    has cut one of them short.
template <class Body>
task<> with_group(Body&& body) {
  detail::guard_callable<Body>();
  static_assert(
      std::is_invocable_r_v<task<>, std::decay_t<Body>&, group&>,
      "with_group(body) takes a coroutine: [&](cetane::group& g) -> cetane::task<> {...}");
  return detail::run_group<std::decay_t<Body>>(std::forward<Body>(body));
}

}  // namespace cetane
