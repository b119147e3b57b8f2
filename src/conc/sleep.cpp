#include <cetane/conc/sleep.hpp>

#include <cetane/runtime/this_task.hpp>

namespace cetane {

void sleep_op::awaiter::begin(std::coroutine_handle<> frame, detail::task_context& task) noexcept {
  task_ = &task;
  event_loop& loop = detail::loop_of(task);
  if (op_.span_ == duration::zero()) {
    elapsed_ = true;
    return task.pause(frame);
  }
  task.suspend(frame, *this);
  loop.arm(*this,
           op_.span_ < duration::zero() ? op_.deadline_ : deadline_after(loop.now(), op_.span_));
}

void sleep_op::awaiter::on_timer() noexcept {
  elapsed_ = true;
  task_->loop->make_ready(*task_);
}

void sleep_op::awaiter::cancel_wait(detail::task_context& task) noexcept {
  disarm();
  task.loop->make_ready(task);
}

std::string sleep_op::awaiter::describe_wait() const {
  const duration left = deadline() - detail::loop_of(*task_).now();
  return deadline() == never ? "sleep for ever" : "sleep, " + duration_text(left) + " left";
}

}  // namespace cetane
