#include <cetane/conc/sleep.hpp>

#include <cetane/runtime/this_task.hpp>

#include <algorithm>

namespace cetane {

void sleep_wait::arm() noexcept {
  event_loop& loop = detail::loop_of(task());
  if (span_ == duration::zero()) {
    elapsed_ = true;
    return wake();
  }
  loop.arm(*this, span_ < duration::zero() ? deadline_ : deadline_after(loop.now(), span_));
}

void sleep_wait::on_timer() noexcept {
  elapsed_ = true;
  wake();
}

std::string sleep_wait::describe_wait() const {
  if (deadline() == never) return "sleep for ever";
  const time_point now = detail::loop_of(task()).now();
  return "sleep, " + duration_text(std::max(deadline(), now) - now) + " left";
}

}  // namespace cetane
