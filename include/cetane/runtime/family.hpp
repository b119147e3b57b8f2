#pragma once

#include <cetane/base/config.hpp>
#include <cetane/base/intrusive_list.hpp>
#include <cetane/coro/task_context.hpp>

#include <string>

namespace cetane::detail {

class family;

/// A task that ends with another one: part of its record.
class CETANE_API family_member : public list_hook<family> {
 public:
  explicit family_member(task_context& task) noexcept : task_(task) {}

  /// The task has ended. Its parent may have waited for that.
  void leave_family() noexcept;

 private:
  friend family;

  task_context& task_;
  family* family_ = nullptr;
};

/// The children of one task, which end with it.
///
/// A task that has ended while it has children is kept, as if it waited, until they have ended too;
/// they are cancelled meanwhile. So what a child was lent by its parent's record, the connection of
/// a handler for example, is there as long as the child.
class CETANE_API family final : public waitable {
 public:
  explicit family(task_context& parent) noexcept : parent_(parent) {}
  family(const family&) = delete;
  family& operator=(const family&) = delete;
  ~family();

  void add(family_member& child) noexcept;

  /// The parent has ended: cancels the children. Says whether there are none.
  bool end() noexcept;

  /// The child that came last, or null.
  task_context* last_child() noexcept;

  void cancel_wait(task_context& task) noexcept override;
  std::string describe_wait() const override;
  void tell_causes(wait_causes& to) const override;

 private:
  friend family_member;

  task_context& parent_;
  intrusive_list<family_member, family> children_;
  bool parent_has_ended_ = false;
};

/// Refuses a child to a task that has ended: nobody would end it.
[[noreturn]] CETANE_API void throw_childless();

}  // namespace cetane::detail
