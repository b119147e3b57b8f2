#include <cetane/sync/shared_mutex.hpp>

#include <sync/holder.hpp>

#include <cetane/coro/wait_causes.hpp>

#include <cassert>
#include <stdexcept>

namespace cetane {

bool shared_mutex::can_take(detail::lock_kind kind) const noexcept {
  if (holds_.begin() == holds_.end()) return true;
  return kind == detail::lock_kind::shared && holds_.begin()->kind == detail::lock_kind::shared;
}

bool shared_mutex::would_wait_for_itself(const detail::shared_mutex_wait& asking) const noexcept {
  for (const detail::shared_mutex_hold& hold : holds_) {
    if (asking.is_task(hold.owner)) return true;
  }
  return false;
}

void shared_mutex::hand_out() noexcept {
  while (!line_.empty()) {
    auto& next = static_cast<detail::shared_mutex_wait&>(line_.front());
    if (!can_take(next.hold_.kind)) return;
    next.hold_.owner = &next.task();
    holds_.push_back(next.hold_);
    line_.grant_front();
  }
}

shared_mutex_lock::shared_mutex_lock(shared_mutex& of, detail::lock_kind kind,
                                     detail::task_context& owner) noexcept
    : of_(&of), hold_(kind) {
  hold_.owner = &owner;
  of.holds_.push_back(hold_);
}

void shared_mutex_lock::unlock() {
  if (of_ == nullptr) throw std::logic_error("unlock: this lock is released already, or was moved");
  if (hold_.owner != detail::running_task()) {
    throw std::logic_error(
        "unlock: another task has locked this mutex; a lock stays in the task that took it");
  }
  release();
}

void shared_mutex_lock::release() noexcept {
  shared_mutex* const of = std::exchange(of_, nullptr);
  if (of == nullptr) return;
  hold_.unlink();
  of->hand_out();
}

void shared_mutex_lock::take_over(shared_mutex_lock& other) noexcept {
  of_ = std::exchange(other.of_, nullptr);
  if (of_ == nullptr) return;
  hold_.owner = other.hold_.owner;
  other.hold_.unlink();
  of_->holds_.push_back(hold_);
}

// True also where the task would wait for itself: take() then says so.
bool detail::shared_mutex_wait::poll() const noexcept {
  if (granted()) return true;
  if (linked()) return false;
  return (mutex_.line_.empty() && mutex_.can_take(hold_.kind)) ||
         mutex_.would_wait_for_itself(*this);
}

void detail::shared_mutex_wait::arm() noexcept {
  if (poll() && !(mutex_.line_.empty() && mutex_.can_take(hold_.kind))) return wake();
  mutex_.line_.join(*this);
  mutex_.hand_out();
}

// Who leaves from the front may have been all that others waited for.
void detail::shared_mutex_wait::disarm() noexcept {
  if (!linked()) return;
  leave();
  hold_.unlink();
  mutex_.hand_out();
}

void detail::shared_mutex_wait::take() {
  if (leave()) {
    hold_.unlink();
    return;
  }
  if (mutex_.line_.empty() && mutex_.can_take(hold_.kind)) return;
  throw std::logic_error(
      "lock: this task has a lock of this mutex already and would wait for itself; hand the lock "
      "on to what needs it, or release it before");
}

std::string detail::shared_mutex_wait::describe_wait() const {
  const char* const kind = hold_.kind == lock_kind::shared ? "shared" : "exclusive";
  std::string text = std::string("shared mutex, ") + kind;
  const auto first = mutex_.holds_.begin();
  if (first != mutex_.holds_.end()) text += ", " + held_by(first->owner, task());
  return text;
}

// Also those that stand before it in the line: nobody overtakes.
void detail::shared_mutex_wait::tell_causes(wait_causes& to) const {
  if (!linked() || granted()) return;
  for (const shared_mutex_hold& hold : mutex_.holds_) {
    const bool together = hold.kind == lock_kind::shared && hold_.kind == lock_kind::shared;
    if (!together) to.held_by(hold.owner, "shared mutex");
  }
  for (const line_place* place = mutex_.line_.before(*this); place != nullptr;
       place = mutex_.line_.before(*place)) {
    const auto& earlier = static_cast<const shared_mutex_wait&>(*place);
    if (earlier.hold_.kind == lock_kind::shared && hold_.kind == lock_kind::shared) continue;
    to.behind(earlier.task());
  }
}

}  // namespace cetane
