#include <backend/sim_task_log.hpp>

#include <base/spared_memory.hpp>

#include <cetane/coro/promise.hpp>

namespace cetane::detail {

// One that started before anybody watched is seen at its first turn.
std::uint64_t sim_task_log::number_of(const task_context& task) {
  const spared_memory notes;
  const auto [found, is_new] = numbers_.try_emplace(&task, seen_ + 1);
  if (is_new) {
    ++seen_;
    if (task.root) trace_.fold(promise_base::of(task.root).location().function_name());
  }
  return found->second;
}

void sim_task_log::task_starts(const task_context& task) noexcept { trace_.fold(number_of(task)); }

void sim_task_log::turn_begins(const task_context& task) noexcept { trace_.fold(number_of(task)); }

void sim_task_log::task_ends(const task_context& task) noexcept {
  trace_.fold(~number_of(task));
  numbers_.erase(&task);
}

}  // namespace cetane::detail
