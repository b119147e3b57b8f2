#pragma once

#include <cetane/base/clock.hpp>
#include <cetane/base/config.hpp>
#include <cetane/base/limits.hpp>
#include <cetane/coro/promise.hpp>
#include <cetane/coro/ready_queue.hpp>
#include <cetane/coro/scheduler.hpp>
#include <cetane/coro/task_context.hpp>
#include <cetane/runtime/cancel_scope.hpp>
#include <cetane/runtime/loop_part.hpp>
#include <cetane/runtime/orphan.hpp>
#include <cetane/runtime/stats.hpp>
#include <cetane/runtime/timer.hpp>

#include <atomic>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace cetane {

class event_loop;

namespace detail {
class backend;
class families;
class family;
class stream_io;
class timer_wheel;
class turn_watcher;

/// The loop that runs on this thread, or null.
CETANE_API extern constinit thread_local event_loop* loop_of_thread;

/// What another thread hands to a loop.
class message {
 public:
  virtual ~message() = default;
  virtual void deliver() = 0;

 private:
  friend event_loop;
  message* next_ = nullptr;
};

/// The loop's memory for the bytes that pass through: one block for input, one for output.
struct io_blocks;
}  // namespace detail

/// Runs tasks, timers and I/O on one thread.
///
/// One pass, as docs/explanation/event-loop.md numbers it: (1) the mailbox, (2) ready tasks, at
/// most 61 resumes, (3) timers, (4) output that is still staged, (5) poll or wait; a busy loop that
/// finds nothing leaves some polls out. A loop belongs to the thread that runs it; other threads
/// reach it by post() and wake() alone.
class CETANE_API event_loop final : public detail::scheduler, private detail::timer {
 public:
  static constexpr unsigned resumes_per_pass = 61;
  static constexpr unsigned refusals_per_resume = 8;
  /// How long a task waits that goes on after what should have ended it.
  static constexpr duration postponement = std::chrono::milliseconds(1);

  explicit event_loop(std::unique_ptr<detail::backend> io);

  /// Destroys the tasks that are left, from the innermost frame outwards.
  ~event_loop();

  event_loop(const event_loop&) = delete;
  event_loop& operator=(const event_loop&) = delete;

  /// The loop that runs on this thread, or null.
  static event_loop* current() noexcept { return detail::loop_of_thread; }

  /// Runs passes until `done()` holds; it is asked before each wait. Throws std::logic_error on a
  /// thread whose loop runs already.
  void run_until(const std::function<bool()>& done);

  /// Runs one pass, waiting in it until `latest` at most. Throws std::logic_error when called from
  /// within this loop.
  void run_once(time_point latest);

  /// Runs one pass that does not wait, for who runs several loops in turn on one thread; also from
  /// within another loop's poll. Until the next turn other threads take this loop for asleep.
  void take_turn();

  /// When it has something to do by itself; a past time: at once.
  time_point due() const noexcept;

  /// The task that runs right now, or null.
  detail::task_context* running() const noexcept { return running_; }

  /// The time now. Read from the clock on each call.
  time_point now() noexcept;

  void arm(detail::timer& timer, time_point deadline) noexcept;

  /// Runs `fn()` on the loop's thread, in order. May be called from any thread; false when 65,536
  /// messages wait already. What `fn` throws is logged. The loop outlives the call: who posts its
  /// end joins the thread before it destroys the loop.
  template <std::invocable Fn>
  bool post(Fn fn) {
    class posted final : public detail::message {
     public:
      explicit posted(Fn&& f) : fn_(std::move(f)) {}
      void deliver() override { fn_(); }

     private:
      Fn fn_;
    };
    return post_message(std::make_unique<posted>(std::move(fn)));
  }
  bool post_message(std::unique_ptr<detail::message> message);

  /// As post_message(), however many wait: for the answer to something that this loop has asked
  /// for.
  void post_answer(std::unique_ptr<detail::message> message) noexcept;

  /// The scope of all tasks of this loop.
  cancel_scope& scope() noexcept { return scope_; }

  /// Where tasks go that are forked from outside of all tasks: the scope of the application that
  /// runs, or that of the loop.
  cancel_scope& home() noexcept { return home_ != nullptr ? *home_ : scope_; }
  void set_home(cancel_scope* scope) noexcept { home_ = scope; }

  /// Makes `task` known to the loop, as a member of `in`, and ready to run its root frame.
  void start(detail::task_context& task, std::coroutine_handle<> root, cancel_scope& in) noexcept {
    task.loop = this;
    task.scope = &in;
    start(task, root);
  }

  /// The same, for a task that knows its loop, which is this one, and its scope.
  void start(detail::task_context& task, std::coroutine_handle<> root) noexcept {
    detail::promise_base::of(root).context = &task;
    task.root = root;
    task.leaf = root;
    if (!starts_are_noted_) [[unlikely]]
      note_start(task);
    task.started_s = clock_s_;
    task.scope->admit(task);
    ++stats_.tasks_started;
    ready_.push(task);
  }

  /// Destroys the tasks below `in`, which did not end when they were cancelled, the latest first.
  /// Not from within one of them.
  void end_tasks(cancel_scope& in) noexcept;

  /// The children of `parent`, which end with it.
  /// @throws std::bad_alloc
  detail::family& family_of(detail::task_context& parent);

  /// Resumes a task here and now, then sends what it has staged: from an up-call of the backend.
  void resume(detail::task_context& task) noexcept;

  /// The same, for a task to which what is in the input block was brought.
  void resume_with_input(detail::task_context& task) noexcept;

  /// As make_ready(), but a millisecond later: for a task that meets the same failure again and
  /// again, and would keep a core busy. Allocates nothing.
  void postpone(detail::task_context& task) noexcept;

  /// The next pass looks at the network, even if the last look found nothing.
  void look_soon() noexcept { quiet_ = false; }

  /// For a simulation: tells who has a turn, from now on. It lives as long as the loop; null:
  /// nobody is told.
  void watch_turns(detail::turn_watcher* whom) noexcept {
    turn_watcher_ = whom;
    starts_are_noted_ = false;
  }
  /// For a simulation: how many resumes a pass has from now on.
  void set_turns_per_pass(unsigned most) noexcept { turns_per_pass_ = most; }
  /// For a simulation: lets `shuffle(tasks)` reorder the tasks that are ready, those before each
  /// one that has paused, and those after it, by themselves. Returns how many tasks were in what it
  /// says it has changed.
  std::size_t shuffle_ready(
      const std::function<bool(std::vector<detail::task_context*>&)>& shuffle);

  /// What goes on without an owner: connections that are being closed.
  intrusive_list<detail::orphan, detail::orphan>& orphans() noexcept { return orphans_; }

  /// What a component keeps for this loop: a `Part(event_loop&)`, made when it is first asked for.
  /// It ends with the loop, after the tasks.
  template <std::derived_from<detail::loop_part> Part>
  Part& part() {
    const void* const key = &detail::part_key<Part>;
    if (detail::loop_part* const kept = find_part(key)) return static_cast<Part&>(*kept);
    return static_cast<Part&>(add_part(key, std::make_unique<Part>(*this)));
  }

  loop_stats stats() const noexcept;
  std::uint64_t tasks_alive() const noexcept {
    return stats_.tasks_started - stats_.tasks_finished;
  }
  /// To count in. What can be computed from others, stats() alone has.
  loop_stats& counters() noexcept { return stats_; }

  /// Every task with label, peer, age and await stack; tasks with the same stack are told together.
  /// Before them stands a deadlock, if there is one: tasks that wait for each other in a circle.
  std::string dump_tasks();

  /// Who waits for whom, in a line for each task that does not run: what it waits for, where, and
  /// which task has it or has to end before. Tasks that say the same are told together.
  ///
  /// @param most_lines  How many lines there are at most; the rest is counted.
  std::string await_graph(std::size_t most_lines = 30);

  detail::backend& io() noexcept { return *io_; }
  detail::io_blocks& blocks() noexcept { return *blocks_; }

  /// Sends what is staged.
  void flush_staged() noexcept;

  // The scheduler's part.
  void end_turn(std::coroutine_handle<> frame) noexcept override;
  void refuse_await(detail::task_context& task) override;

 private:
  void make_ready_besides(detail::task_context& task) noexcept override;
  void note_start(const detail::task_context& task) noexcept;
  void work() noexcept;
  void wait(time_point latest);
  void look();
  void push_message(detail::message* message) noexcept;
  void drain_mailbox() noexcept;
  void run_ready() noexcept;
  void fire_timers() noexcept;
  void on_timer() noexcept override;
  void run_turn(detail::task_context& task) noexcept;
  void send_staged() noexcept;
  void send_staged_apart() noexcept;
  bool unsettled() const noexcept { return finished_first_ != nullptr || refused_ != nullptr; }
  void settle() noexcept;
  void settle_apart() noexcept;
  void hold_back(detail::task_context& task) noexcept;
  void reap() noexcept;
  void finish(detail::task_context& task) noexcept;
  bool part_from_children(detail::task_context& task) noexcept;
  detail::task_context* last_below(cancel_scope& in) noexcept;
  void unqueue(const detail::task_context& gone) noexcept;
  void unqueue_below(const cancel_scope& in) noexcept;
  void destroy_task(detail::task_context& task) noexcept;
  bool drop_messages() noexcept;
  void end_orphans() noexcept;
  detail::loop_part* find_part(const void* key) const noexcept;
  detail::loop_part& add_part(const void* key, std::unique_ptr<detail::loop_part> part);
  void end_parts() noexcept;

  struct kept_part {
    const void* key;
    std::unique_ptr<detail::loop_part> part;
  };

  std::unique_ptr<detail::backend> io_;
  std::unique_ptr<detail::timer_wheel> timers_;
  std::unique_ptr<detail::io_blocks> blocks_;
  std::unique_ptr<detail::families> families_;
  cancel_scope scope_;
  cancel_scope* home_ = nullptr;
  intrusive_list<detail::orphan, detail::orphan> orphans_;
  std::vector<kept_part> parts_;
  // Between two turns of run_ready() it still says who ran, who may be gone: only the loop's own
  // code runs there.
  detail::task_context* running_ = nullptr;
  detail::ready_queue postponed_;            // until the loop's own timer fires
  detail::task_context* refused_ = nullptr;  // the running task, once it has swallowed too many
  std::uint32_t clock_s_ = 0;                // in seconds, as it was when it was read
  bool clock_was_read_ = false;              // since the last wait began
  bool starts_are_noted_ = false;            // a start needs neither the clock nor turn_watcher_
  unsigned refusals_ = 0;                    // in the resume number `refused_resume_`
  std::uint64_t refused_resume_ = 0;
  unsigned turns_per_pass_ = resumes_per_pass;
  bool quiet_ = false;   // the last look at the network found nothing
  time_point looked_{};  // and was then
  detail::turn_watcher* turn_watcher_ = nullptr;
  loop_stats stats_;

  std::atomic<detail::message*> mailbox_{nullptr};
  std::atomic<std::size_t> mailbox_size_{0};
  std::atomic<bool> asleep_{false};
};

/// Runs fn(args...) on the thread of `loop`, in its next pass: the one door for other threads.
///
/// May be called from any thread, and does not wait. `fn` and `args` are copied or moved, as
/// std::thread does; share with std::ref. What `fn` throws is logged. To start a task there is
/// fork_from_thread().
/// @return False when 65,536 messages wait already: `fn` is not called.
/// @par Lifetime  The loop outlives the call.
template <class Fn, class... Args>
requires std::invocable<std::decay_t<Fn>, std::decay_t<Args>...>
bool post(event_loop& loop, Fn&& fn, Args&&... args) {
  return loop.post([fn = std::decay_t<Fn>(std::forward<Fn>(fn)),
                    kept = std::tuple<std::decay_t<Args>...>(std::forward<Args>(
                        args)...)]() mutable { std::apply(std::move(fn), std::move(kept)); });
}

}  // namespace cetane
