#include <cetane/runtime/family.hpp>

#include <cetane/coro/scheduler.hpp>
#include <cetane/coro/wait_causes.hpp>
#include <cetane/runtime/cancel_scope.hpp>

#include <stdexcept>
#include <utility>

namespace cetane::detail {

void family_member::leave_family() noexcept {
  unlink();
  family* const left = std::exchange(family_, nullptr);
  if (left == nullptr || !left->parent_has_ended_ || !left->children_.empty()) return;
  left->parent_.waiting = nullptr;
  left->parent_.loop->finished(left->parent_);
}

family::~family() {
  for (family_member& child : children_) child.family_ = nullptr;
}

void family::add(family_member& child) noexcept {
  child.family_ = this;
  children_.push_back(child);
  parent_.has_children = true;
}

bool family::end() noexcept {
  if (children_.empty()) return true;
  parent_has_ended_ = true;
  parent_.suspend(parent_.root, *this);
  for (family_member& child : children_) cancel_task(child.task_, cancel_reason::parent);
  return false;
}

task_context* family::last_child() noexcept {
  return children_.empty() ? nullptr : &children_.back().task_;
}

// The parent has nothing left that could be cancelled.
void family::cancel_wait(task_context& task) noexcept {
  if (!task.queued) task.waiting = this;
}

std::string family::describe_wait() const { return "the end of its children"; }

void family::tell_causes(wait_causes& to) const {
  for (const family_member& child : children_) to.end_of(child.task_);
}

void throw_childless() {
  throw std::logic_error("fork_child: this task has ended, and its children with it; use fork()");
}

}  // namespace cetane::detail
