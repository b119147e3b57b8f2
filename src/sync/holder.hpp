#pragma once

#include <cetane/coro/task_context.hpp>

#include <string>

namespace cetane::detail {

/// Names the task that holds a lock: "held by worker 3". It may have ended and left the lock to
/// somebody else, so `holder` is looked for among the tasks of the loop of `asking`.
std::string held_by(const task_context* holder, const task_context& asking);

/// The task that runs on this thread, or null.
task_context* running_task() noexcept;

}  // namespace cetane::detail
