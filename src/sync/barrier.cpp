#include <cetane/sync/barrier.hpp>

#include <fmt/format.h>

#include <stdexcept>

namespace cetane {

barrier::barrier(std::size_t tasks) : tasks_(tasks) {
  if (tasks == 0) throw std::invalid_argument("a barrier is for one task at least");
}

void barrier::open() noexcept {
  waiting_ = 0;
  line_.grant_all();
}

bool detail::barrier_wait::poll() const noexcept {
  return granted() || (!linked() && barrier_.is_last());
}

void detail::barrier_wait::arm() noexcept {
  const bool last = barrier_.is_last();
  barrier_.line_.join(*this);
  ++barrier_.waiting_;
  if (last) barrier_.open();
}

void detail::barrier_wait::disarm() noexcept {
  if (!linked()) return;
  if (!leave()) --barrier_.waiting_;
}

void detail::barrier_wait::commit() noexcept {
  if (!leave()) barrier_.open();
}

std::string detail::barrier_wait::describe_wait() const {
  return fmt::format("barrier, {} of {} are there", barrier_.waiting_, barrier_.tasks_);
}

}  // namespace cetane
