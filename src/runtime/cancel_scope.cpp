#include <cetane/runtime/cancel_scope.hpp>

#include <cassert>
#include <utility>

namespace cetane {
namespace {

// The task learns of it now, and ends its wait if it has one.
void tell(detail::task_context& task, cancel_reason why) noexcept {
  task.cancel_state = why;
  if (detail::waitable* wait = std::exchange(task.waiting, nullptr)) wait->cancel_wait(task);
}

}  // namespace

cancel_scope::cancel_scope(cancel_scope* parent, shield shielded) noexcept
    : parent_(parent), shielded_(shielded) {
  if (parent_ == nullptr) return;
  parent_->children_.push_back(*this);
  if (shielded_ == shield::no) reason_ = parent_->reason_;
}

cancel_scope::~cancel_scope() { assert(members_.empty() && children_.empty()); }

void cancel_scope::enter(detail::task_context& task) noexcept {
  if (parent_ != nullptr && task.scope == parent_) owner_ = &task;
  task.list_hook<cancel_scope>::unlink();
  members_.push_back(task);
  task.scope = this;
  task.cancel_state = reason_ == cancel_reason::none ? reason_for(task) : reason_;
}

cancel_reason cancel_scope::reason_for(const detail::task_context& task) const noexcept {
  if (task.own_reason == cancel_reason::none) return cancel_reason::none;
  for (const cancel_scope* scope = this; scope->owner_ == &task; scope = scope->parent_) {
    if (scope->shielded_ == shield::yes) return cancel_reason::none;
  }
  return task.own_reason;
}

void cancel_scope::cancel(cancel_reason why) noexcept {
  assert(why != cancel_reason::none);
  if (cancelled()) return;
  cancel_scope* scope = this;
  while (scope != nullptr) {
    const bool reached = scope == this || (scope->shielded_ == shield::no && !scope->cancelled());
    if (reached) {
      scope->reason_ = why;
      for (detail::task_context& task : scope->members_) {
        if (task.cancel_state == cancel_reason::none) tell(task, why);
      }
    }
    scope = scope->next_below(*this, reached);
  }
}

// A shield ends with its scope: what it has protected finds out now.
void cancel_scope::dissolve() noexcept {
  if (parent_->cancelled()) cancel(parent_->reason_);
  for (detail::task_context& task : members_) {
    task.scope = parent_;
    if (task.own_reason == cancel_reason::none) task.own_reason = reason_;
  }
  for (cancel_scope& child : children_) child.parent_ = parent_;
  parent_->members_.splice_back(members_);
  parent_->children_.splice_back(children_);
}

cancel_scope& cancel_scope::home() noexcept {
  cancel_scope* scope = this;
  while (!scope->home_ && scope->parent_ != nullptr) scope = scope->parent_;
  return *scope;
}

cancel_scope* cancel_scope::next_below(const cancel_scope& top, bool descend) noexcept {
  if (descend && !children_.empty()) return &children_.front();
  for (cancel_scope* scope = this; scope != &top; scope = scope->parent_) {
    if (cancel_scope* sibling = scope->parent_->children_.after(*scope)) return sibling;
  }
  return nullptr;
}

cancel_scope& cancel_scope::last_below() noexcept {
  cancel_scope* scope = this;
  while (!scope->children_.empty()) scope = &scope->children_.back();
  return *scope;
}

detail::task_context* cancel_scope::last_besides(const detail::task_context* skipped) noexcept {
  const auto last_member = [skipped](cancel_scope& of) -> detail::task_context* {
    if (of.members_.empty()) return nullptr;
    detail::task_context& last = of.members_.back();
    return &last == skipped ? of.members_.before(last) : &last;
  };
  cancel_scope* scope = &last_below();
  detail::task_context* found = last_member(*scope);
  while (found == nullptr && scope != this) {
    cancel_scope* const sibling = scope->parent_->children_.before(*scope);
    scope = sibling != nullptr ? &sibling->last_below() : scope->parent_;
    found = last_member(*scope);
  }
  return found;
}

cancel_scope* cancel_scope::outermost_of(const detail::task_context& task) noexcept {
  cancel_scope* held = nullptr;
  for (cancel_scope* scope = task.scope; scope != nullptr && scope->owner_ == &task;
       scope = scope->parent_) {
    held = scope;
  }
  return held;
}

detail::task_context* cancel_scope::last_task() noexcept {
  detail::task_context* task = last_besides(nullptr);
  while (task != nullptr) {
    cancel_scope* const held = outermost_of(*task);
    detail::task_context* const inside = held != nullptr ? held->last_besides(task) : nullptr;
    if (inside == nullptr) break;
    task = inside;
  }
  return task;
}

void detail::cancel_task(task_context& task, cancel_reason why) noexcept {
  assert(why != cancel_reason::none);
  if (task.own_reason != cancel_reason::none) return;
  task.own_reason = why;
  if (task.cancel_state != cancel_reason::none) return;
  const cancel_reason reached = task.scope->reason_for(task);
  if (reached != cancel_reason::none) tell(task, reached);
}

}  // namespace cetane
