// What has come is paid for with time, a pause each: so there is nothing to count down or to fill
// up. Up to a burst may be owed.
#include <cetane/sync/rate_limiter.hpp>

#include <cetane/runtime/event_loop.hpp>
#include <cetane/runtime/this_task.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace cetane {
namespace {

duration pause_of(double per_second) {
  const double pause_ns = std::ceil(1e9 / per_second);
  if (!(per_second > 0) || !(pause_ns >= 1) || !(pause_ns < 9e18)) {
    throw std::invalid_argument(
        fmt::format("rate_limiter: {} a second is no rate; give a number above 0", per_second));
  }
  return duration(static_cast<duration::rep>(pause_ns));
}

}  // namespace

rate_limiter::rate_limiter(double per_second, std::size_t burst)
    : pause_(pause_of(per_second)), burst_(burst) {
  if (burst == 0) throw std::invalid_argument("rate_limiter: a burst is one at least");
  if (burst > static_cast<std::size_t>(duration::max() / pause_ / 4)) {
    throw std::invalid_argument(
        fmt::format("rate_limiter: a burst of {} lasts longer than the clock", burst));
  }
}

void rate_limiter::check(std::size_t n) const {
  if (n <= burst_) return;
  throw std::invalid_argument(fmt::format(
      "rate_limiter: {} at once never come, the burst is {}; make that larger", n, burst_));
}

rate_op rate_limiter::acquire(std::size_t n) {
  check(n);
  return rate_op(*this, n);
}

bool rate_limiter::try_acquire(std::size_t n) {
  check(n);
  const time_point now = detail::this_loop("rate_limiter::try_acquire").now();
  if (!line_.empty() || !may(n, now)) return false;
  take(n, now);
  return true;
}

bool rate_limiter::may(std::size_t n, time_point now) const noexcept {
  return paid_until_ <= now || ready_at(n) <= now;
}

time_point rate_limiter::ready_at(std::size_t n) const noexcept {
  return paid_until_ - pause_ * static_cast<duration::rep>(burst_ - n);
}

void rate_limiter::take(std::size_t n, time_point now) noexcept {
  paid_until_ = std::max(paid_until_, now) + pause_ * static_cast<duration::rep>(n);
}

void rate_limiter::hand_out() noexcept {
  disarm();
  if (line_.empty()) return;
  event_loop& loop = detail::loop_of(static_cast<rate_op::select_type&>(line_.front()).task());
  const time_point now = loop.now();
  while (!line_.empty()) {
    const std::size_t wanted = static_cast<rate_op::select_type&>(line_.front()).count_;
    if (!may(wanted, now)) return loop.arm(*this, ready_at(wanted));
    take(wanted, now);
    line_.grant_front();
  }
}

void rate_limiter::on_timer() noexcept { hand_out(); }

bool rate_op::select_type::poll() const noexcept {
  if (granted()) return true;
  if (linked() || !from_.line_.empty()) return false;
  event_loop* const loop = event_loop::current();
  return loop != nullptr && from_.may(count_, loop->now());
}

void rate_op::select_type::arm() noexcept {
  from_.line_.join(*this);
  if (&from_.line_.front() == this) from_.hand_out();
}

// What was reserved is given back: it has not come.
void rate_op::select_type::disarm() noexcept {
  if (!linked()) return;
  if (leave()) from_.paid_until_ -= from_.pause_ * static_cast<duration::rep>(count_);
  from_.hand_out();
}

void rate_op::select_type::commit() noexcept {
  if (!leave()) from_.take(count_, event_loop::current()->now());
}

std::string rate_op::select_type::describe_wait() const {
  return fmt::format("rate limiter, {} wanted", count_);
}

}  // namespace cetane
