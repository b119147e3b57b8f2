#include <cetane/app/task_entry.hpp>

#include <cetane/runtime/event_loop.hpp>

#include <stdexcept>

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

task_entry& task_entry::keep_alive(const restart_policy& policy) {
  if (unstarted_ && !unstarted_->can_repeat()) {
    throw std::logic_error(
        "keep_alive(): the function is called again and again, so it must be callable with "
        "references to the arguments that are kept, or with copies of them");
  }
  policy_ = policy;
  return *this;
}

task_entry& task_entry::grace(any_duration span) {
  grace_ = span;
  return *this;
}

task_entry& task_entry::on_each_loop() {
  if (unstarted_ && unstarted_->for_another_loop() == nullptr) {
    throw std::logic_error(
        "on_each_loop(): the function or one of its arguments belongs to one event loop; give what "
        "spans loops by std::ref, one for each loop by per_loop, and no lambda that captures");
  }
  on_each_loop_ = true;
  return *this;
}

std::unique_ptr<task_entry> task_entry::for_another_loop() const {
  if (!on_each_loop_ || !unstarted_) return nullptr;
  std::unique_ptr<task_entry> twin(new task_entry(unstarted_->for_another_loop()));
  twin->label_ = label_;
  twin->policy_ = policy_;
  twin->grace_ = grace_;
  return twin;
}

void task_entry::start(event_loop& loop, cancel_scope& parent) {
  if (!unstarted_) return;
  auto task = std::move(unstarted_);
  scope_.emplace(&parent, cancel_scope::shield::yes);
  if (policy_) {
    pauses_.emplace(&*scope_);
    task = detail::keep_for_later(detail::keep_running, *policy_, task->repeat(), &*pauses_);
  }
  task->start(loop, *scope_, label_);
}

void task_entry::start_no_more() noexcept {
  if (pauses_) pauses_->cancel(cancel_reason::shutdown);
}

bool task_entry::ended() noexcept {
  return !unstarted_ && (!scope_ || scope_->last_task() == nullptr);
}

}  // namespace cetane
