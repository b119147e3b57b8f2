#pragma once

#include <cetane/base/clock.hpp>
#include <cetane/base/config.hpp>
#include <cetane/base/errors.hpp>
#include <cetane/conc/backoff.hpp>
#include <cetane/conc/spawn.hpp>
#include <cetane/coro/task.hpp>
#include <cetane/runtime/cancel_scope.hpp>

#include <chrono>
#include <coroutine>
#include <cstddef>
#include <exception>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
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
  restart_policy& backoff(any_duration first, any_duration most) {
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

/// A function with its arguments that is called again and again.
class repeated_call {
 public:
  virtual ~repeated_call() = default;

  /// Calls it, and tells `ends` what is running.
  virtual task<> run(restarts& ends) = 0;
};

// What the function takes is kept for all of its runs, so each is given a reference.
template <class Fn, class... Args>
inline constexpr bool can_run_again = takes_shared<Fn, Args...>;

template <class Fn, class... Args>
class repeated_call_of final : public repeated_call {
 public:
  template <class F, class... As>
  explicit repeated_call_of(F&& fn, As&&... args)
      : fn_(std::forward<F>(fn)), args_(std::forward<As>(args)...) {}

  task<> run(restarts& ends) override {
    auto&& begun = std::apply(
        [this](auto&... kept) -> decltype(auto) { return std::invoke(fn_, share<Args>(kept)...); },
        args_);
    ends.name_after(begun.frame());
    co_await std::move(begun);
  }

 private:
  template <class Kept>
  static decltype(auto) share(Kept& kept) noexcept {
    return static_cast<typename kept_argument<Kept>::shared>(kept);
  }

  Fn fn_;
  std::tuple<Args...> args_;
};

template <class Fn, class... Args>
std::unique_ptr<repeated_call> repeat(Fn&& fn, Args&&... args) {
  return std::make_unique<repeated_call_of<std::decay_t<Fn>, kept_t<Args>...>>(
      std::forward<Fn>(fn), std::forward<Args>(args)...);
}

/// Calls it until `policy` says that it is enough, or the task is cancelled.
///
/// The pauses stand in the scope `pauses`, if that is given: once it is cancelled nothing is
/// started any more, while a run goes on to its end.
CETANE_API task<> keep_running(restart_policy policy, std::unique_ptr<repeated_call> call,
                               cancel_scope* pauses);

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
  cancel_scope* const own = nullptr;
  return fork_child(detail::keep_running, policy,
                    detail::repeat(std::forward<Fn>(fn), std::forward<Args>(args)...), own);
}

}  // namespace cetane
