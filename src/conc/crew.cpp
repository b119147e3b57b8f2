#include <cetane/conc/crew.hpp>

#include <conc/members.hpp>

#include <cetane/conc/attached_errors.hpp>
#include <cetane/runtime/this_task.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <new>

namespace cetane::detail {

bool is_cancelled(const std::exception_ptr& error) noexcept {
  try {
    std::rethrow_exception(error);
  } catch (const cancelled&) {
    return true;
  } catch (...) {
    return false;
  }
}

crew::crew(end_by rule) : owner_(this_task("a group")), scope_(owner_.scope), rule_(rule) {
  scope_.enter(owner_);
}

// A loop that is destroyed has unlinked the task from all scopes.
void crew::leave() noexcept {
  if (std::exchange(left_, true)) return;
  if (owner_.list_hook<cancel_scope>::linked()) {
    scope_.leave(owner_);
  } else {
    owner_.scope = scope_.parent();
  }
  if (!scope_.empty()) scope_.dissolve();
}

// The owner may have been cancelled by its handle, which does not reach the scopes within it.
void crew::pass_on_cancel() noexcept {
  if (owner_.cancel_state != cancel_reason::none) scope_.cancel(owner_.cancel_state);
}

void crew::owner_ended(const std::exception_ptr& error) noexcept {
  if (!error) return;
  pass_on_cancel();
  if (scope_.cancelled() && is_cancelled(error)) {
    cut_short_ = true;
  } else {
    note(error);
  }
}

bool crew::ended(std::size_t number, const std::exception_ptr& error) noexcept {
  --running_;
  if (running_ == 0 && joined_) owner_.loop->make_ready(owner_);

  const bool stopped = error && is_cancelled(error);
  if (stopped && scope_.cancelled()) {
    cut_short_ = true;
    return false;
  }
  if (rule_ == end_by::any) {
    if (winner_ != nobody) return false;
    winner_ = number;
    scope_.cancel(cancel_reason::sibling);
    return true;
  }
  return error && (!stopped || rule_ == end_by::any_error) && note(error);
}

// The first error ends the others. Says whether it is the first: those that follow are logged.
bool crew::note(const std::exception_ptr& error) noexcept {
  if (!first_error_) {
    first_error_ = error;
    scope_.cancel(cancel_reason::sibling);
    return true;
  }
  if (error == first_error_) return true;
  try {
    others_.push_back(error);
  } catch (const std::bad_alloc&) {
    // it is in the log
  }
  return false;
}

void crew::finish() {
  leave();
  if (first_error_) {
    attach_errors(first_error_, std::move(others_));
    std::rethrow_exception(first_error_);
  }
  if (cut_short_ && owner_.cancel_state != cancel_reason::none) throw_cancelled(owner_);
}

std::string crew::joining::describe_wait() const {
  return fmt::format("the end of {} task{}", crew_.running_, crew_.running_ == 1 ? "" : "s");
}

void crew::joining::tell_causes(wait_causes& to) const {
  tell_members(crew_.scope_, crew_.owner_, crew_.running_, to);
}

}  // namespace cetane::detail
