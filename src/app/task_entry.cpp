#include <cetane/app/task_entry.hpp>

#include <cetane/runtime/event_loop.hpp>

namespace cetane {

task_entry::task_entry(std::unique_ptr<detail::unstarted_task> task)
    : unstarted_(std::move(task)) {}

task_entry::~task_entry() {
  if (scope_) scope_->dissolve();
}

task_entry& task_entry::label(std::string text) {
  label_ = std::move(text);
  return *this;
}

task_entry& task_entry::grace(duration span) {
  grace_ = span;
  return *this;
}

void task_entry::start(event_loop& loop, cancel_scope& parent) {
  if (!unstarted_) return;
  const auto task = std::move(unstarted_);
  scope_.emplace(&parent, cancel_scope::shield::yes);
  task->start(loop, *scope_, label_);
}

bool task_entry::ended() const noexcept { return !unstarted_ && (!scope_ || scope_->empty()); }

}  // namespace cetane
