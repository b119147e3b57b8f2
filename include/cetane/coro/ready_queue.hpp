#pragma once

#include <cetane/coro/task_context.hpp>

namespace cetane::detail {

/// Tasks whose turn comes, first come, first served: a list through the tasks themselves, so that
/// it never allocates. A task is in one such queue at most, and `queued` says that it is.
class ready_queue {
 public:
  ready_queue() noexcept = default;
  ready_queue(const ready_queue&) = delete;
  ready_queue& operator=(const ready_queue&) = delete;

  [[nodiscard]] bool empty() const noexcept { return first_ == nullptr; }

  void push(task_context& task) noexcept {
    task.queued = true;
    task.next_ready = nullptr;
    *end_ = &task;
    end_ = &task.next_ready;
  }

  /// The first task; there is one.
  [[nodiscard]] task_context& front() const noexcept { return *first_; }

  /// Takes the first task; there is one.
  task_context& pop() noexcept {
    task_context& task = *first_;
    first_ = task.next_ready;
    if (first_ == nullptr) end_ = &first_;
    task.queued = false;
    return task;
  }

  /// Moves all of `other`, in its order, behind the last task.
  void append(ready_queue& other) noexcept {
    if (other.empty()) return;
    *end_ = other.first_;
    end_ = other.end_;
    other.first_ = nullptr;
    other.end_ = &other.first_;
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
        link = &task->next_ready;
      }
    }
    end_ = link;
  }

 private:
  task_context* first_ = nullptr;
  task_context** end_ = &first_;
};

}  // namespace cetane::detail
