#include <sync/holder.hpp>

#include <cetane/runtime/event_loop.hpp>
#include <cetane/runtime/this_task.hpp>

namespace cetane::detail {

std::string held_by(const task_context* holder, const task_context& asking) {
  std::string text = "held by a task that has ended";
  loop_of(asking).scope().for_each_task([&](const task_context& task) {
    if (&task == holder) text = "held by " + task.label();
  });
  return text;
}

task_context* running_task() noexcept {
  event_loop* const loop = event_loop::current();
  return loop != nullptr ? loop->running() : nullptr;
}

}  // namespace cetane::detail
