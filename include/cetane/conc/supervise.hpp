#pragma once

#include <cetane/base/clock.hpp>
#include <cetane/base/config.hpp>
#include <cetane/base/errors.hpp>
#include <cetane/conc/backoff.hpp>
#include <cetane/conc/sleep.hpp>
#include <cetane/conc/spawn.hpp>
#include <cetane/coro/task.hpp>

#include <chrono>
#include <coroutine>
#include <cstddef>
#include <exception>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <utility>

namespace cetane {

/// When a task that has ended is started again; see supervise().
///
/// By default half a second after each end, without a limit, as diesel's keep-alive.
class restart_policy {
 public:
  static constexpr std::size_t no_limit = std::numeric_limits<std::size_t>::max();

  restart_policy() noexcept = default;

  /// The pauses before restarts: each is twice the one before, up to `most`. They begin again with
  /// `first` after a run that lasted longer than `most`.
  ///
  /// @throws std::invalid_argument  `first` is not positive, or `most` is shorter.
  restart_policy& backoff(duration first, duration most) {
    pauses_ = cetane::backoff(first, most);
    longest_ = most;
    return *this;
  }

  /// Restarts after so many ends in a row that each came before the longest pause was over, and
  /// then not any more.
  restart_policy& limit(std::size_t restarts) noexcept {
    limit_ = restarts;
    return *this;
  }

 private:
  friend class restarts;

  static constexpr duration usual = std::chrono::milliseconds(500);

  cetane::backoff pauses_{usual, usual};
  duration longest_ = usual;
  std::size_t limit_ = no_limit;
};

/// The ends of one supervised task: counts them, tells the log, and says when to start again.
class CETANE_API restarts {
 public:
  explicit restarts(const restart_policy& policy) noexcept : policy_(policy) {}

  /// A run begins.
  void begin();

  /// Names the runs in the log, unless they have a name: after the task, or after its coroutine.
  void name_after(std::coroutine_handle<> frame);

  /// The run has ended, by `error` unless that is null. Gives the pause until the next one, or
  /// nothing when the limit is reached.
  std::optional<duration> end(const std::exception_ptr& error);

 private:
  restart_policy policy_;
  std::string name_;
  time_point begun_;
  std::size_t in_a_row_ = 0;
};

namespace detail {

/// Throws on a `cancelled` that is meant for the running task; others are an end like any other.
CETANE_API void throw_on_if_cancelled();

template <class Kept>
decltype(auto) shared_argument(Kept& kept) noexcept {
  return static_cast<typename kept_argument<Kept>::shared>(kept);
}

template <class Fn, class... Args>
task<> keep_running(restart_policy policy, Fn fn, Args... args) {
  restarts ends(policy);
  for (;;) {
    std::exception_ptr error;
    try {
      ends.begin();
      auto&& run = std::invoke(fn, shared_argument<Args>(args)...);
      ends.name_after(run.frame());
      co_await std::move(run);
    } catch (...) {
      throw_on_if_cancelled();
      error = std::current_exception();
    }
    const std::optional<duration> pause = ends.end(error);
    if (!pause && error) std::rethrow_exception(error);
    if (!pause) co_return;
    co_await sleep(*pause);
  }
}

// What a supervised function takes is kept for all of its runs, so each is given a reference.
template <class Fn, class... Args>
inline constexpr bool can_run_again = takes_shared<Fn, Args...>;

template <class Fn, class... Args>
inline constexpr auto keep_running_as = &keep_running<std::decay_t<Fn>, kept_t<Args>...>;

}  // namespace detail

/// Runs fn(args...) again and again: when it ends, by an error or not, it is started once more
/// after a pause. diesel's keep_alive, for a child of this task: see fork_child().
///
/// `fn` and `args` are kept, and each run is given copies of the arguments, or references to them
/// where it takes references. Each end is told in the log. Nothing is started any more, and a pause
/// is cut short, when the parent ends or the handle is cancelled. With a limit, joining the handle
/// throws the last error once that is reached, or returns if there was none.
template <class Fn, class... Args>
join_handle<> supervise(restart_policy policy, Fn&& fn, Args&&... args) {
  static_assert(detail::can_run_again<std::decay_t<Fn>, detail::kept_t<Args>...>,
                "supervise(policy, fn, args...): fn is called again and again, so it must be "
                "callable with references to the arguments that are kept, or with copies of them");
  return fork_child(detail::keep_running_as<Fn, Args...>, policy, std::forward<Fn>(fn),
                    std::forward<Args>(args)...);
}

}  // namespace cetane
