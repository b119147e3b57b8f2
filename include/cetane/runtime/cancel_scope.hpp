#pragma once

#include <cetane/base/config.hpp>
#include <cetane/base/errors.hpp>
#include <cetane/base/intrusive_list.hpp>
#include <cetane/coro/task_context.hpp>

#include <cassert>

namespace cetane {

namespace detail {
struct scope_children;  // tag: the list of scopes below a scope

/// Cancels one task, not its scope: its current await and every later one throws cancelled. The
/// first reason stays.
///
/// A task that has not begun does begin, and its first await throws.
CETANE_API void cancel_task(task_context& task, cancel_reason why) noexcept;
}  // namespace detail

/// A region of work that can be cancelled as a whole: a node of the tree from the loop's root down
/// to each task.
///
/// Cancelling a scope cancels everything below it, save what a shield protects, and stays: every
/// later await in it throws again. A task is a member of its innermost scope. Loop thread only.
class CETANE_API cancel_scope : public list_hook<detail::scope_children> {
 public:
  enum class shield : bool { no, yes };

  /// Makes a scope below `parent`, or a root. It starts cancelled if the parent is, unless it is
  /// shielded.
  explicit cancel_scope(cancel_scope* parent = nullptr, shield shielded = shield::no) noexcept;

  /// The scope has neither members nor children by then.
  ~cancel_scope();

  cancel_scope(const cancel_scope&) = delete;
  cancel_scope& operator=(const cancel_scope&) = delete;

  /// Cancels the scope; the first reason stays. Runs nobody's code: the tasks find out when the
  /// loop resumes them.
  void cancel(cancel_reason why = cancel_reason::user) noexcept;

  bool cancelled() const noexcept { return reason_ != cancel_reason::none; }
  cancel_reason reason() const noexcept { return reason_; }
  cancel_scope* parent() const noexcept { return parent_; }

  /// Makes `task`, which begins, is not cancelled and knows its scope, a member.
  void admit(detail::task_context& task) noexcept {
    assert(task.scope == this && task.cancel_state == cancel_reason::none);
    members_.push_back(task);
    if (cancelled()) [[unlikely]]
      task.cancel_state = reason_;
  }

  /// Makes `task` a member; its cancel state becomes that of this scope. A task that is cancelled
  /// itself stays so, save within a shield that it has entered.
  void enter(detail::task_context& task) noexcept;

  /// Gives `task` back to the parent.
  void leave(detail::task_context& task) noexcept { parent_->enter(task); }

  /// Gives all members and all scopes below to the parent. Those that are cancelled stay so; if the
  /// parent is cancelled, so are they, shield or not.
  void dissolve() noexcept;

  /// Marks the scope as one that fork() starts tasks in: an application's or a service's.
  void be_home() noexcept { home_ = true; }

  /// The nearest home around this scope, itself included; the root if there is none.
  cancel_scope& home() noexcept;

  bool empty() const noexcept { return members_.empty() && children_.empty(); }

  /// The last task of the last scope below, or null. Whoever ends tasks in this order ends those of
  /// a group before the task whose frame holds the group, also when that is in a scope of its own
  /// within the group.
  detail::task_context* last_task() noexcept;

  /// The outermost scope around `task` that is in its own frame, or null.
  static cancel_scope* outermost_of(const detail::task_context& task) noexcept;

  /// Calls visit(task_context&) for every task below.
  template <class Visit>
  void for_each_task(Visit&& visit) {
    for (cancel_scope* s = this; s != nullptr; s = s->next_below(*this, true)) {
      for (detail::task_context& task : s->members_) visit(task);
    }
  }

 private:
  // The next scope in preorder within `top`; `descend` says whether to enter this one's children.
  cancel_scope* next_below(const cancel_scope& top, bool descend) noexcept;

  // The last task of the last scope below that is not `skipped`, or null.
  detail::task_context* last_besides(const detail::task_context* skipped) noexcept;

  // The last child of the last child, and so on; this one if there are no children.
  cancel_scope& last_below() noexcept;

  // What a cancelled task finds in this scope: its own reason, unless there is a shield between the
  // task and this scope.
  cancel_reason reason_for(const detail::task_context& task) const noexcept;

  cancel_scope* parent_;
  detail::task_context* owner_ = nullptr;  // the task that came in from the parent
  intrusive_list<detail::task_context, cancel_scope> members_;
  intrusive_list<cancel_scope, detail::scope_children> children_;
  cancel_reason reason_ = cancel_reason::none;
  shield shielded_;
  bool home_ = false;

  friend void detail::cancel_task(detail::task_context& task, cancel_reason why) noexcept;
};

}  // namespace cetane
