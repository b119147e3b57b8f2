// Ending the tasks of a scope at once: end_now(), and the end of a loop.
#include <cetane/runtime/event_loop.hpp>

#include <runtime/current_loop.hpp>
#include <runtime/families.hpp>

#include <cetane/runtime/cancel_scope.hpp>

#include <utility>

namespace cetane {
namespace {

void end_waits(cancel_scope& in) noexcept {
  in.for_each_task([](detail::task_context& task) {
    detail::waitable* const wait = std::exchange(task.waiting, nullptr);
    if (wait == nullptr) return;
    task.queued = true;  // it must not become ready
    wait->cancel_wait(task);
    task.queued = false;
  });
}

}  // namespace

// The next to end: children before their parents.
detail::task_context* event_loop::last_below(cancel_scope& in) noexcept {
  detail::task_context* task = in.last_task();
  while (task != nullptr && task->has_children) {
    detail::task_context* const child = families_->of(*task).last_child();
    if (child == nullptr) break;
    task = child;
  }
  return task;
}

// Nobody waits any more before the first frame goes: it may hold what another task waits for.
// Destructors that run here may start and wake tasks: those below `in` end here too.
void event_loop::end_tasks(cancel_scope& in) noexcept {
  const detail::current_loop current(*this);
  end_waits(in);
  unqueue_below(in);
  while (detail::task_context* const task = last_below(in)) {
    if (task->queued) unqueue(*task);
    destroy_task(*task);
    if (unsettled()) settle_apart();  // its parent may have waited for that
  }
}

void event_loop::unqueue(const detail::task_context& gone) noexcept {
  const auto is_it = [&](const detail::task_context& task) { return &task == &gone; };
  ready_.remove_if(is_it);
  postponed_.remove_if(is_it);
}

// All at once: one by one would be a walk through the queue for each.
void event_loop::unqueue_below(const cancel_scope& in) noexcept {
  const auto is_below = [&](const detail::task_context& task) {
    const cancel_scope* scope = task.scope;
    while (scope != nullptr && scope != &in) scope = scope->parent();
    return scope != nullptr;
  };
  ready_.remove_if(is_below);
  postponed_.remove_if(is_below);
}

void event_loop::end_orphans() noexcept {
  while (!orphans_.empty()) orphans_.front().end_now();
}

}  // namespace cetane
