#pragma once

namespace cetane::detail {

class task_context;

/// Is told which tasks start, have their turn in the ready queue, and end, in that order: for a
/// simulation, whose log has them. A task that an up-call of the backend resumes is the backend's
/// own doing.
class turn_watcher {
 public:
  virtual void task_starts(const task_context& task) noexcept = 0;
  virtual void turn_begins(const task_context& task) noexcept = 0;
  virtual void task_ends(const task_context& task) noexcept = 0;

 protected:
  turn_watcher() = default;
  ~turn_watcher() = default;
};

}  // namespace cetane::detail
