#include <cetane/conc/supervise.hpp>

#include <cetane/base/log.hpp>
#include <cetane/conc/attempt.hpp>
#include <cetane/runtime/this_task.hpp>

namespace cetane {
namespace {

const log::logger supervise_log("supervise");

}  // namespace

void restarts::begin() { begun_ = detail::this_loop("supervise").now(); }

// The task's own name goes before that of its function.
void restarts::name_after(std::coroutine_handle<> frame) {
  if (!name_.empty()) return;
  const detail::task_context& task = detail::this_task("supervise");
  const std::string label = task.label();
  name_ = label == detail::function_label(task.root) ? detail::function_label(frame) : label;
}

// The function may have failed before there was a coroutine to name the run after.
std::optional<duration> restarts::end(const std::exception_ptr& error) {
  if (name_.empty()) name_ = detail::this_task("supervise").label();
  const std::string how = error ? "failed: " + detail::error_text(error) : "ended";
  if (detail::this_loop("supervise").now() - begun_ > policy_.longest_) {
    policy_.pauses_.reset();
    in_a_row_ = 0;
  }
  if (in_a_row_ == policy_.limit_) {
    supervise_log.error("{} {}; not started again after {} restarts", name_, how, in_a_row_);
    return std::nullopt;
  }
  ++in_a_row_;
  const duration pause = policy_.pauses_.next();
  supervise_log.warning("{} {}; starts again in {}", name_, how, duration_text(pause));
  return pause;
}

void detail::throw_on_if_cancelled() {
  if (this_task("supervise").cancel_state == cancel_reason::none) return;
  try {
    throw;
  } catch (const cancelled&) {
    throw;
  } catch (...) {
    return;
  }
}

}  // namespace cetane
