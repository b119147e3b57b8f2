#include <cetane/coro/task_context.hpp>

#include <cetane/coro/scheduler.hpp>

namespace cetane::detail {

void throw_cancelled(const task_context& task) { throw cancelled(task.cancel_state); }

void await_while_cancelled(task_context& task) { task.loop->refuse_await(task); }

}  // namespace cetane::detail
