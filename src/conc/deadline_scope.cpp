#include <cetane/conc/deadline_scope.hpp>

#include <cetane/runtime/event_loop.hpp>
#include <cetane/runtime/this_task.hpp>

#include <utility>

namespace cetane::detail {
namespace {

// What the task does right now, for the text of timed_out. Without memory the text is poorer.
std::string activity(const task_context& task) noexcept {
  try {
    return task.waiting != nullptr ? task.waiting->describe_wait() : task.label();
  } catch (...) {
    return {};
  }
}

}  // namespace

deadline_scope::deadline_scope(duration span, std::string* waited_for,
                               cancel_scope::shield shielded)
    : deadline_scope(deadline_after(this_loop("a timeout").now(), span), waited_for, shielded) {}

deadline_scope::deadline_scope(time_point deadline, std::string* waited_for,
                               cancel_scope::shield shielded)
    : task_(this_task("a deadline")), waited_for_(waited_for), scope_(task_.scope, shielded) {
  scope_.enter(task_);
  if (deadline != never) loop_of(task_).arm(*this, deadline);
}

// A loop that is destroyed has unlinked the task from all scopes; destructors of its frames may
// still ask for its scope.
void deadline_scope::leave() noexcept {
  if (std::exchange(left_, true)) return;
  disarm();
  if (task_.list_hook<cancel_scope>::linked()) {
    scope_.leave(task_);
  } else {
    task_.scope = scope_.parent();
  }
  if (!scope_.empty()) scope_.dissolve();
}

void deadline_scope::leave_or_throw() {
  leave();
  if (task_.cancel_state != cancel_reason::none) throw_cancelled(task_);
}

void deadline_scope::on_timer() noexcept {
  expired_ = true;
  if (waited_for_ != nullptr) *waited_for_ = activity(task_);
  scope_.cancel(cancel_reason::timeout);
}

}  // namespace cetane::detail
