#include <cetane/runtime/cancel_scope.hpp>

#include <cassert>
#include <utility>

namespace cetane {

cancel_scope::cancel_scope(cancel_scope* parent, shield shielded) noexcept
    : parent_(parent), shielded_(shielded) {
  if (parent_ == nullptr) return;
  parent_->children_.push_back(*this);
  if (shielded_ == shield::no) reason_ = parent_->reason_;
}

cancel_scope::~cancel_scope() { assert(members_.empty() && children_.empty()); }

void cancel_scope::enter(detail::task_context& task) noexcept {
  task.list_hook<cancel_scope>::unlink();
  members_.push_back(task);
  task.scope = this;
  task.cancel_state = reason_;
}

void cancel_scope::cancel(cancel_reason why) noexcept {
  if (cancelled()) return;
  cancel_scope* scope = this;
  while (scope != nullptr) {
    const bool reached = scope == this || (scope->shielded_ == shield::no && !scope->cancelled());
    if (reached) {
      scope->reason_ = why;
      for (detail::task_context& task : scope->members_) {
        task.cancel_state = why;
        if (detail::waitable* wait = std::exchange(task.waiting, nullptr)) wait->cancel_wait(task);
      }
    }
    scope = scope->next_below(*this, reached);
  }
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

}  // namespace cetane
