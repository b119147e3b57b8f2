#include <cetane/sync/semaphore.hpp>

#include <cetane/coro/wait_causes.hpp>

#include <fmt/format.h>

namespace cetane {

std::optional<semaphore_permit> semaphore::try_acquire(std::size_t n) noexcept {
  if (!has(n)) return std::nullopt;
  available_ -= n;
  return semaphore_permit(*this, n);
}

void semaphore::hand_out() noexcept {
  while (!line_.empty()) {
    const std::size_t wanted = static_cast<acquire_op::select_type&>(line_.front()).count_;
    if (wanted > available_) return;
    available_ -= wanted;
    line_.grant_front();
  }
}

bool acquire_op::select_type::poll() const noexcept { return granted() || from_.has(count_); }

void acquire_op::select_type::arm() noexcept {
  from_.line_.join(*this);
  from_.hand_out();
}

// Who leaves from the front may have been all that others waited for.
void acquire_op::select_type::disarm() noexcept {
  if (!linked()) return;
  if (leave()) from_.available_ += count_;
  from_.hand_out();
}

semaphore_permit acquire_op::select_type::commit() noexcept {
  if (!leave()) from_.available_ -= count_;
  return semaphore_permit(from_, count_);
}

std::string acquire_op::select_type::describe_wait() const {
  return fmt::format("semaphore, {} wanted, {} free", count_, from_.available_);
}

void acquire_op::select_type::tell_causes(detail::wait_causes& to) const {
  to.missing("nobody has given enough back");
}

}  // namespace cetane
