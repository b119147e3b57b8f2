// The children of the tasks of one loop.
#pragma once

#include <cetane/coro/task_context.hpp>
#include <cetane/runtime/family.hpp>

#include <unordered_map>

namespace cetane::detail {

// Few tasks have children, so that none carries room for them.
class families {
 public:
  family& of(task_context& parent) { return known_.try_emplace(&parent, parent).first->second; }
  void forget(task_context& parent) noexcept {
    known_.erase(&parent);
    parent.has_children = false;
  }

 private:
  std::unordered_map<const task_context*, family> known_;
};

}  // namespace cetane::detail
