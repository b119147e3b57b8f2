#include <cetane/coro/task_context.hpp>

namespace cetane::detail {

void throw_cancelled(const task_context& task) { throw cancelled(task.cancel_state); }

}  // namespace cetane::detail
