#pragma once

#include <cetane/app/task_entry.hpp>
#include <cetane/base/config.hpp>
#include <cetane/conc/join_handle.hpp>
#include <cetane/conc/spawn.hpp>
#include <cetane/coro/task.hpp>
#include <cetane/runtime/event_loop.hpp>

#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

namespace cetane {

namespace detail {

/// How the one task of a program ended.
struct main_outcome {
  bool ended = false;
  int status = 0;
  std::exception_ptr error;
};

template <class T>
task<> await_main(join_handle<T> main, main_outcome& outcome) {
  try {
    if constexpr (std::is_same_v<T, int>) {
      outcome.status = co_await main;
    } else {
      co_await main;
    }
  } catch (...) {
    outcome.error = std::current_exception();
  }
  outcome.ended = true;
}

template <class T>
void watch_main(event_loop& loop, join_handle<T> main, main_outcome& outcome) {
  spawn_in(loop, loop.scope(), &await_main<T>, std::move(main), std::ref(outcome));
}

/// The one task of a program before it starts. With it starts a second one that waits for its end,
/// where no stop reaches it.
template <class Call>
class unstarted_main final : public unstarted_task {
 public:
  template <class... Parts>
  explicit unstarted_main(main_outcome& outcome, Parts&&... parts)
      : call_(std::forward<Parts>(parts)...), outcome_(outcome) {}

  void start(event_loop& loop, cancel_scope& scope, const std::string&) override {
    watch_main(loop, call_.spawn(loop, scope), outcome_);
  }

 private:
  Call call_;
  main_outcome& outcome_;
};

CETANE_API int run_main(std::unique_ptr<unstarted_task> main, main_outcome& outcome);

}  // namespace detail

/// Runs fn(args...), a program that is one task, on an event loop of its own.
///
/// `return cetane::run(ask, host, port);` Ctrl-C (SIGINT, and SIGTERM) cancels the task, a second
/// one ends the program at once. When the task has ended, what it has spawned is cancelled, and the
/// connections that it has closed get 5 s to flush their output. CETANE_BACKEND, CETANE_LOG_LEVEL
/// and CETANE_DRAIN in the environment count as for an application.
/// @return The status for main to return.
///         0: the task has ended; if it returns an int, that.
///         1: an exception ended it, which is logged.
///         130 or 143: SIGINT or SIGTERM ended it.
///         2 or 3: it could not start, as for an application.
/// @throws std::logic_error  An event loop runs on this thread already.
template <class Fn, class... Args>
int run(Fn&& fn, Args&&... args) {
  using call = detail::unstarted_call<std::decay_t<Fn>, detail::kept_t<Args>...>;
  detail::main_outcome outcome;
  auto main = std::make_unique<detail::unstarted_main<call>>(outcome, std::forward<Fn>(fn),
                                                             std::forward<Args>(args)...);
  return detail::run_main(std::move(main), outcome);
}

}  // namespace cetane
