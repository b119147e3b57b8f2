#pragma once

#include <cetane/base/clock.hpp>
#include <cetane/base/config.hpp>
#include <cetane/conc/spawn.hpp>
#include <cetane/conc/supervise.hpp>
#include <cetane/runtime/cancel_scope.hpp>
#include <cetane/runtime/spans_loops.hpp>

#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

namespace cetane {

class event_loop;

namespace detail {

class application_core;
class stop_sequence;

/// A function and its arguments before they become a task.
class unstarted_task {
 public:
  virtual ~unstarted_task() = default;

  /// Starts the task in `scope`; an empty label means the function's name.
  virtual void start(event_loop& loop, cancel_scope& scope, const std::string& label) = 0;

  /// Whether the function can be called again and again with what is kept for it.
  virtual bool can_repeat() const noexcept { return false; }

  /// Makes it a call that can be repeated, where it can; this is empty then.
  virtual std::unique_ptr<repeated_call> repeat() { return nullptr; }

  /// One more of it, for another loop; null if something of it belongs to one loop.
  virtual std::unique_ptr<unstarted_task> for_another_loop() const { return nullptr; }
};

template <class Fn, class... Args>
class unstarted_call final : public unstarted_task {
 public:
  template <class F, class... As>
  explicit unstarted_call(F&& fn, As&&... args)
      : fn_(std::forward<F>(fn)), args_(std::forward<As>(args)...) {}

  auto spawn(event_loop& loop, cancel_scope& scope) {
    return std::apply(
        [&](auto&... kept) { return spawn_in(loop, scope, std::move(fn_), std::move(kept)...); },
        args_);
  }

  void start(event_loop& loop, cancel_scope& scope, const std::string& label) override {
    auto started = spawn(loop, scope);
    if (!label.empty()) started.label(label);
  }

  bool can_repeat() const noexcept override { return can_run_again<Fn, Args...>; }

  std::unique_ptr<repeated_call> repeat() override {
    if constexpr (can_run_again<Fn, Args...>) {
      return std::apply(
          [this](auto&... kept) -> std::unique_ptr<repeated_call> {
            return std::make_unique<repeated_call_of<Fn, Args...>>(std::move(fn_),
                                                                   std::move(kept)...);
          },
          args_);
    } else {
      return nullptr;
    }
  }

  std::unique_ptr<unstarted_task> for_another_loop() const override {
    if constexpr (crosses_loops<Fn> && (crosses_loops<Args> && ...)) {
      return std::make_unique<unstarted_call>(*this);
    } else {
      return nullptr;
    }
  }

 private:
  Fn fn_;
  std::tuple<Args...> args_;
};

template <class Fn, class... Args>
std::unique_ptr<unstarted_task> keep_for_later(Fn&& fn, Args&&... args) {
  return std::make_unique<unstarted_call<std::decay_t<Fn>, kept_t<Args>...>>(
      std::forward<Fn>(fn), std::forward<Args>(args)...);
}

}  // namespace detail

/// A background task of an application, as application::add_task() returns it.
class CETANE_API task_entry {
 public:
  task_entry(const task_entry&) = delete;
  task_entry& operator=(const task_entry&) = delete;
  ~task_entry();

  /// Names the task in logs and dumps, instead of its function's name. Has an effect until the task
  /// starts.
  task_entry& label(std::string text);

  /// Starts the task again when it ends, by an error or not: see supervise(). Has an effect until
  /// the task starts.
  ///
  /// An application that stops starts nothing again; a run that is under way then has the grace of
  /// the task.
  /// @throws std::logic_error  The function takes something by move that is kept for it: it can be
  ///                           called only once.
  task_entry& keep_alive(const restart_policy& policy = restart_policy());

  /// Lets the task go on this long after the application's stop; else it is cancelled at once.
  task_entry& grace(any_duration span);

  /// Starts the task once on each event loop of the application, instead of on the first one only;
  /// see application::workers(). Has an effect until the task starts.
  ///
  /// @throws std::logic_error  The function, or an argument that is kept for it, belongs to one
  ///                           loop: see spans_loops.
  task_entry& on_each_loop();

 private:
  friend detail::application_core;
  friend detail::stop_sequence;

  explicit task_entry(std::unique_ptr<detail::unstarted_task> task);

  void start(event_loop& loop, cancel_scope& parent);
  void start_no_more() noexcept;
  bool ended() noexcept;
  /// One more of it, for another loop; null if it is for the first one only, or has started.
  std::unique_ptr<task_entry> for_another_loop() const;

  std::unique_ptr<detail::unstarted_task> unstarted_;
  std::optional<cancel_scope> scope_;   // its own, for its own grace: shielded from what is around
  std::optional<cancel_scope> pauses_;  // of a task that is kept alive: cancelled at the stop
  std::optional<restart_policy> policy_;
  std::string label_;
  duration grace_ = duration::zero();
  bool on_each_loop_ = false;
};

}  // namespace cetane
