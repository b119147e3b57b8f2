#pragma once

#include <cetane/coro/task_context.hpp>

#include <cstdint>
#include <utility>

namespace cetane::detail {

/// Tasks whose turn comes, first come, first served: a list through the tasks themselves, so that
/// it never allocates. A task is in one such queue at most, and `queued` says that it is.
class ready_queue {
 public:
  ready_queue() noexcept = default;
  ready_queue(const ready_queue&) = delete;
  ready_queue& operator=(const ready_queue&) = delete;

  [[nodiscard]] bool empty() const noexcept { return first_ == nullptr; }

  /// `how` is what `queued` says meanwhile.
  void push(task_context& task, std::uint8_t how = true) noexcept {
    task.queued = how;
    task.next_ready = nullptr;
    // A branch, not a pointer to the place: the first task, which is soon asked for, is where it is
    // without one.
    if (empty()) {
      first_ = &task;
    } else {
      last_->next_ready = &task;
    }
    last_ = &task;
  }

  /// The first task; there is one.
  [[nodiscard]] task_context& front() const noexcept { return *first_; }

  /// Takes the first task; there is one.
  task_context& pop() noexcept {
    task_context& task = *first_;
    first_ = task.next_ready;
    task.queued = false;
    return task;
  }

  /// Moves all of `other`, in its order, behind the last task.
  void append(ready_queue& other) noexcept {
    if (other.empty()) return;
    (empty() ? first_ : last_->next_ready) = std::exchange(other.first_, nullptr);
    last_ = other.last_;
  }

  /// Takes out every task of which `goes(task)` says so.
  template <class Predicate>
  void remove_if(Predicate&& goes) noexcept {
    task_context** link = &first_;
    while (task_context* const task = *link) {
      if (goes(*task)) {
        *link = task->next_ready;
        task->queued = false;
      } else {
        last_ = task;
        link = &task->next_ready;
      }
    }
  }

 private:
  task_context* first_ = nullptr;
  task_context* last_ = nullptr;  // while there is a first
};

}  // namespace cetane::detail
