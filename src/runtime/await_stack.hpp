#pragma once

#include <cetane/coro/task_context.hpp>

#include <coroutine>
#include <vector>

namespace cetane::detail {

/// The frames of a task that does not run, from the innermost one outwards.
std::vector<std::coroutine_handle<>> await_stack_of(const task_context& task);

}  // namespace cetane::detail
