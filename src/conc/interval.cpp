#include <cetane/conc/interval.hpp>

#include <cetane/runtime/event_loop.hpp>
#include <cetane/runtime/this_task.hpp>

#include <stdexcept>

namespace cetane {

interval::interval(any_duration period) : period_(period) {
  if (period <= duration::zero())
    throw std::invalid_argument("interval: the period must be longer than nothing");
  next_ = deadline_after(detail::this_loop("interval").now(), period_);
}

// The next tick is the first of those to come that is not over. When another task had this one too,
// it is counted already.
void interval::pass(time_point now) noexcept {
  if (now < next_) return;
  const auto missed = (now - next_) / period_;
  next_ = deadline_after(next_, period_ * missed);
  next_ = deadline_after(next_, period_);
}

bool tick_wait::poll() noexcept {
  return elapsed_ || detail::this_loop("interval").now() >= interval_.next_;
}

void tick_wait::arm() noexcept { detail::loop_of(task()).arm(*this, interval_.next_); }

void tick_wait::commit() noexcept {
  timer::disarm();
  interval_.pass(detail::this_loop("interval").now());
}

void tick_wait::on_timer() noexcept {
  elapsed_ = true;
  wake();
}

std::string tick_wait::describe_wait() const {
  return "tick, " + duration_text(deadline() - detail::loop_of(task()).now()) + " left";
}

}  // namespace cetane
