#pragma once

#include <backend/sim_trace.hpp>
#include <runtime/turn_watcher.hpp>

#include <cetane/coro/task_context.hpp>

#include <cstdint>
#include <unordered_map>

namespace cetane::detail {

/// Puts the turns of tasks into the trace: which one starts, by the name of its function, goes on
/// from the ready queue, or ends. Each has a number, in the order in which they were first seen.
class sim_task_log final : public turn_watcher {
 public:
  explicit sim_task_log(sim_trace& trace) noexcept : trace_(trace) {}

  void task_starts(const task_context& task) noexcept override;
  void turn_begins(const task_context& task) noexcept override;
  void task_ends(const task_context& task) noexcept override;

 private:
  std::uint64_t number_of(const task_context& task);

  sim_trace& trace_;
  std::uint64_t seen_ = 0;
  // Addresses differ from run to run, so that nothing may depend on their order: they are only
  // looked up.
  std::unordered_map<const task_context*, std::uint64_t> numbers_;
};

}  // namespace cetane::detail
