#include <cetane/testing/advance.hpp>

#include <cetane/backend/sim.hpp>
#include <cetane/runtime/cancel_scope.hpp>
#include <cetane/runtime/event_loop.hpp>

#include <fmt/format.h>

#include <chrono>

namespace cetane::testing {

void advance_op::begin() {
  at = deadline_after(in_.now(), span_);
  in_.rest(*this);
}

void advance_op::on_rest() noexcept {
  done_ = true;
  task_->loop->make_ready(*task_);
}

void advance_op::await_resume() const {
  if (!done_) detail::throw_cancelled(*task_);
}

void advance_op::cancel_wait(detail::task_context& task) noexcept {
  list_hook<>::unlink();
  task.loop->make_ready(task);
}

std::string advance_op::describe_wait() const {
  return fmt::format("advance by {} s", std::chrono::duration<double>(span_).count());
}

}  // namespace cetane::testing
