#pragma once

#include <cetane/coro/task_context.hpp>
#include <cetane/coro/wait_causes.hpp>
#include <cetane/runtime/cancel_scope.hpp>

#include <cstddef>
#include <vector>

namespace cetane::detail {

/// Tells of the tasks that were started in `scope` as those whose end is waited for by `owner`, who
/// is in it too; `count` is how many it waits for.
///
/// What such a task has spawned itself is in the scope as well, and nothing tells it from them: if
/// there is any, each of them only may be one that is waited for.
inline void tell_members(const cancel_scope& scope, const task_context& owner, std::size_t count,
                         wait_causes& to) {
  std::vector<const task_context*> found;
  const_cast<cancel_scope&>(scope).for_each_task([&](const task_context& task) {
    const cancel_scope* const own = cancel_scope::outermost_of(task);
    if (&task != &owner && (own != nullptr ? own->parent() : task.scope) == &scope) {
      found.push_back(&task);
    }
  });
  if (found.size() != count) to.one_of_several();
  for (const task_context* const task : found) to.end_of(*task);
}

}  // namespace cetane::detail
