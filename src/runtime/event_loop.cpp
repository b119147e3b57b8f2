// The event loop: see docs/explanation/event-loop.md for the numbered pass; work() and wait()
// follow its order.
#include <cetane/runtime/event_loop.hpp>

#include <os/fork_hook.hpp>
#include <runtime/audit.hpp>
#include <runtime/backend.hpp>
#include <runtime/current_loop.hpp>
#include <runtime/families.hpp>
#include <runtime/io_blocks.hpp>
#include <runtime/timer_wheel.hpp>
#include <runtime/turn_watcher.hpp>

#include <cetane/coro/promise.hpp>
#include <cetane/runtime/family.hpp>

#include <algorithm>
#include <cassert>
#include <span>
#include <stdexcept>

namespace cetane {

constinit thread_local event_loop* detail::loop_of_thread = nullptr;

namespace {

using detail::loop_of_thread;

// A child made by fork_process() is in no loop, though it was forked inside its parent's.
struct loop_forgotten_in_child {
  void in_child(std::span<const int>) noexcept { loop_of_thread = nullptr; }
  os::fork_hook hook{*this};
};
loop_forgotten_in_child forgotten;

// 4. Datagrams of the whole pass leave with one call.
void send_late(detail::io_blocks& blocks) noexcept {
  if (blocks.late != nullptr) std::exchange(blocks.late, nullptr)->leave();
}

// Between two looks at a network where nothing happens. A look takes a three-hundredth of that.
constexpr duration quiet_interval = std::chrono::microseconds(50);

}  // namespace

event_loop::event_loop(std::unique_ptr<detail::backend> io)
    : io_(std::move(io)),
      timers_(std::make_unique<detail::timer_wheel>(io_->now())),
      blocks_(new detail::io_blocks),
      families_(std::make_unique<detail::families>()) {
  io_->begin(*blocks_);
}

// The destructors of what is dropped may start tasks and post messages once more.
event_loop::~event_loop() {
  const detail::current_loop current(*this);
  detail::audit books(*this, *timers_);
  do {
    end_tasks(scope_);
    end_parts();
  } while (drop_messages());
  end_orphans();
  books.close();
}

detail::loop_part::~loop_part() = default;

// There are few.
detail::loop_part* event_loop::find_part(const void* key) const noexcept {
  const auto found = std::find_if(parts_.begin(), parts_.end(),
                                  [key](const kept_part& each) { return each.key == key; });
  return found == parts_.end() ? nullptr : found->part.get();
}

detail::loop_part& event_loop::add_part(const void* key, std::unique_ptr<detail::loop_part> part) {
  return *parts_.emplace_back(kept_part{key, std::move(part)}).part;
}

void event_loop::end_parts() noexcept { const std::vector<kept_part> ending = std::move(parts_); }

time_point event_loop::now() noexcept { return io_->now(); }

void event_loop::arm(detail::timer& timer, time_point deadline) noexcept {
  timers_->arm(timer, deadline);
}

void event_loop::run_until(const std::function<bool()>& done) {
  if (loop_of_thread != nullptr) {
    throw std::logic_error(
        "an event loop runs on this thread already; await the task instead of running it");
  }
  const detail::current_loop current(*this);
  while (!done()) {
    work();
    if (done()) break;
    wait(never);
  }
  send_late(*blocks_);
  io_->flush();
}

void event_loop::run_once(time_point latest) {
  if (loop_of_thread == this)
    throw std::logic_error("run_once: this event loop is running already");
  const detail::current_loop current(*this);
  work();
  quiet_ = false;
  wait(latest);
  send_late(*blocks_);
  io_->flush();
}

void event_loop::take_turn() {
  run_once(time_point::min());
  asleep_.store(true, std::memory_order_seq_cst);
}

time_point event_loop::due() const noexcept {
  const bool now = !ready_.empty() || mailbox_.load(std::memory_order_seq_cst) != nullptr;
  return now ? time_point::min() : timers_->next_deadline();
}

void event_loop::work() noexcept {
  ++stats_.passes;
  if (mailbox_.load(std::memory_order_relaxed) != nullptr) drain_mailbox();  // 1
  run_ready();                                                               // 2
  fire_timers();                                                             // 3
  flush_staged();                                                            // 4
  send_late(*blocks_);
}

// 5. A look at the network while tasks are ready, or a wait for it.
void event_loop::wait(time_point latest) {
  if (!ready_.empty()) return look();
  quiet_ = false;
  // Before the mailbox is looked into: a post() that misses the flag is seen by it.
  asleep_.store(true, std::memory_order_seq_cst);
  const time_point until = std::min(latest, due());
  clock_was_read_ = starts_are_noted_ = false;
  io_->poll(*this, until);
  asleep_.store(false, std::memory_order_relaxed);
}

// Nobody has to wake a loop that only looks. A look is a system call, which costs as much as ten
// turns of a small task: when it finds nothing, the next one has time.
void event_loop::look() {
  if (quiet_ && !io_->has_work() && io_->now() - looked_ < quiet_interval) return;
  clock_was_read_ = starts_are_noted_ = false;
  quiet_ = !io_->poll(*this, time_point::min());
  if (quiet_) looked_ = io_->now();
}

// 2. Ready tasks, first come, first served; those made ready meanwhile have their turn too, so that
//    a chain of hand-overs does not pay for a poll each, but not for ever.
void event_loop::run_ready() noexcept {
  assert(running_ == nullptr);
  if (ready_.empty()) return;
  unsigned left = turns_per_pass_;
  do {
    detail::task_context& next = ready_.pop();
    if (turn_watcher_ != nullptr) [[unlikely]]
      turn_watcher_->turn_begins(next);
    run_turn(next);
    if (blocks_->staging != nullptr) [[unlikely]]
      send_staged_apart();
    if (unsettled()) [[unlikely]]
      settle();
  } while (--left != 0 && !ready_.empty());
  running_ = nullptr;
}

// Who has paused stays behind all who were there, and before who came later.
std::size_t event_loop::shuffle_ready(
    const std::function<bool(std::vector<detail::task_context*>&)>& shuffle) {
  std::size_t moved = 0;
  detail::ready_queue shuffled;
  std::vector<detail::task_context*> tasks;
  const auto put_back = [&] {
    if (tasks.size() > 1 && shuffle(tasks)) moved += tasks.size();
    for (detail::task_context* const task : tasks) shuffled.push(*task);
    tasks.clear();
  };
  while (!ready_.empty()) {
    const bool paused = ready_.front().queued == detail::task_context::behind_all;
    detail::task_context& task = ready_.pop();
    if (!paused) {
      tasks.push_back(&task);
      continue;
    }
    put_back();
    shuffled.push(task, detail::task_context::behind_all);
  }
  put_back();
  ready_.append(shuffled);
  return moved;
}

// 3. Timers, by (deadline, order of arming). The clock is read only if there is one.
void event_loop::fire_timers() noexcept {
  if (timers_->next_deadline() != never) timers_->fire(io_->now());
}

// 4. Output that no resume has sent: staged by a posted function or a destructor.
void event_loop::flush_staged() noexcept {
  if (blocks_->staging != nullptr) send_staged();
}

// Most of it the backend takes; the rest is the connection's business.
inline void event_loop::send_staged() noexcept {
  ssize_t taken = 0;
  if (blocks_->staging->plain_output && blocks_->staged_bytes != 0) [[likely]] {
    taken = io_->write_soon(*blocks_->staging, {blocks_->staged, blocks_->staged_bytes});
    if (taken == static_cast<ssize_t>(blocks_->staged_bytes)) [[likely]] {
      stats_.bytes_sent += blocks_->staged_bytes;
      blocks_->staging = nullptr;
      blocks_->staged_bytes = 0;
      return;
    }
  }
  detail::stream_io& from = *std::exchange(blocks_->staging, nullptr);
  from.on_staged(std::exchange(blocks_->staged_bytes, 0), taken);
}

// The backend and the connection are told outside of any task's turn.
[[gnu::noinline]] void event_loop::send_staged_apart() noexcept {
  running_ = nullptr;
  send_staged();
}

// Reading the clock costs as much as all the rest of a start, so it is read once between two waits,
// and at every look of a loop that does not come to wait.
void event_loop::note_start(const detail::task_context& task) noexcept {
  if (!clock_was_read_) {
    clock_was_read_ = true;
    clock_s_ = static_cast<std::uint32_t>(
        std::chrono::duration_cast<std::chrono::seconds>(io_->now().time_since_epoch()).count());
  }
  if (turn_watcher_ != nullptr) turn_watcher_->task_starts(task);
  starts_are_noted_ = turn_watcher_ == nullptr;
}

// A cancelled task may go on some time after its wait was ended.
void event_loop::make_ready_besides(detail::task_context& task) noexcept {
  const bool waits = std::exchange(task.waiting, nullptr) != nullptr || &task == running_ ||
                     task.cancel_state != cancel_reason::none;
  if (task.queued) return;
  if (!waits) [[unlikely]]
    ++stats_.stray_wakes;
  ready_.push(task);
}

void event_loop::postpone(detail::task_context& task) noexcept {
  task.waiting = nullptr;
  if (task.queued) return;
  postponed_.push(task);
  if (!armed()) arm(*this, deadline_after(now(), postponement));
}

// The time of those who were postponed is over.
void event_loop::on_timer() noexcept { ready_.append(postponed_); }

void event_loop::resume(detail::task_context& task) noexcept {
  assert(running_ == nullptr);
  run_turn(task);
  running_ = nullptr;
  if (blocks_->staging != nullptr) send_staged();
  if (unsettled()) [[unlikely]]
    settle_apart();
}

void event_loop::resume_with_input(detail::task_context& task) noexcept {
  assert(running_ == nullptr);
  run_turn(task);
  running_ = nullptr;
  if (blocks_->staging != nullptr) send_staged();
  if (unsettled()) [[unlikely]]
    settle_apart();
  if (blocks_->in_use()) [[unlikely]]
    blocks_->take_back();
}

[[gnu::always_inline]] inline void event_loop::run_turn(detail::task_context& task) noexcept {
  assert(!task.queued);
  task.waiting = nullptr;
  running_ = &task;
  ++resumes;
  run(task.leaf);
}

void event_loop::end_turn(std::coroutine_handle<> frame) noexcept { running_->pause(frame); }

// Throwing costs a hundred times what an await costs that succeeds, so a few of them are a turn.
// From here to the end of its turn the task counts as queued: what it awaits now ends in
// hold_back(), not in the ready queue.
void event_loop::refuse_await(detail::task_context& task) {
  if (std::exchange(refused_resume_, resumes) != resumes) refusals_ = 0;
  if (++refusals_ <= refusals_per_resume) throw_cancelled(task);
  budget = 1;
  refused_ = &task;
  task.queued = true;
}

// What a resume has left to do: seldom anything.
[[gnu::always_inline]] inline void event_loop::settle() noexcept {
  if (refused_ != nullptr) [[unlikely]] {
    running_ = nullptr;
    hold_back(*std::exchange(refused_, nullptr));
  }
  reap();
}

// A turn that the backend gives, to a handler that has got its input, is spared the registers. Who
// ran before runs on: end_tasks() may be a task's doing.
[[gnu::noinline]] void event_loop::settle_apart() noexcept {
  detail::task_context* const outside = running_;
  settle();
  running_ = outside;
}

// Ends the wait of a task that has swallowed too many cancellations, and lets it find out later:
// others do not wait for it, and it keeps no core busy. A task that has left the cancelled scope
// meanwhile is like any other.
[[gnu::noinline, gnu::cold]] void event_loop::hold_back(detail::task_context& task) noexcept {
  if (task.root.done()) return;
  const bool cancelled = task.cancel_state != cancel_reason::none;
  if (cancelled && task.waiting != nullptr) task.waiting->cancel_wait(task);
  task.queued = false;
  if (!cancelled) {
    if (task.waiting == nullptr) ready_.push(task);
  } else if (std::exchange(task.waiting, nullptr) == nullptr) {  // else the wait ends later
    postpone(task);
  }
}

// A root frame is not destroyed while it runs its own last lines, but here.
[[gnu::always_inline]] inline void event_loop::reap() noexcept {
  while (detail::task_context* task = finished_first_) {
    finished_first_ = task->next_ready;
    if (task->has_children && !part_from_children(*task)) continue;
    task->list_hook<cancel_scope>::unlink();
    ++stats_.tasks_finished;
    if (running_ != task) running_ = task;  // most often it has just had its turn
    finish(*task);
  }
}

// What the task was started with is destroyed now; these destructors may start tasks, which is why
// the caller has made it the one that runs.
[[gnu::always_inline]] inline void event_loop::finish(detail::task_context& task) noexcept {
  if (turn_watcher_ != nullptr) turn_watcher_->task_ends(task);
  task.on_finished();
}

detail::family& event_loop::family_of(detail::task_context& parent) {
  return families_->of(parent);
}

// A task that still has children has its end when they have had theirs.
bool event_loop::part_from_children(detail::task_context& task) noexcept {
  running_ = nullptr;
  if (!families_->of(task).end()) return false;
  families_->forget(task);
  return true;
}

void event_loop::destroy_task(detail::task_context& task) noexcept {
  task.list_hook<cancel_scope>::unlink();
  detail::task_context* const outside = std::exchange(running_, &task);  // who destroys it, if any
  task.queued = true;  // it must not become ready again
  if (detail::waitable* wait = std::exchange(task.waiting, nullptr)) wait->cancel_wait(task);
  std::coroutine_handle<> frame = std::exchange(task.leaf, nullptr);
  while (frame) {
    detail::awaited_child* const place = detail::promise_base::of(frame).awaited_by;
    frame.destroy();
    frame = nullptr;
    if (place != nullptr) {
      place->child = nullptr;
      frame = place->parent;
    }
  }
  task.root = nullptr;
  if (task.has_children) families_->forget(task);
  ++stats_.tasks_finished;
  finish(task);
  running_ = outside;
}

loop_stats event_loop::stats() const noexcept {
  loop_stats now = stats_;
  now.resumes = resumes;
  now.tasks_alive = tasks_alive();
  now.timers_armed = timers_->armed();
  now.timers_fired = timers_->fired();
  now.timers_cancelled = timers_->cancelled();
  now.timers_live = timers_->size();
  return now;
}

}  // namespace cetane
