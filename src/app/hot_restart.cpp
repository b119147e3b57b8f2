#include <app/hot_restart.hpp>

#include <cetane/base/errors.hpp>
#include <cetane/base/log.hpp>

#include <cerrno>
#include <exception>
#include <utility>

#include <fcntl.h>

namespace cetane::detail {

hot_restart::watched::watched(hot_restart& of, int fd)
    : of_(of), copy_(::fcntl(fd, F_DUPFD_CLOEXEC, 0)) {
  descriptor = copy_.get();
  const int failed = copy_ ? of_.loop_.io().watch(*this) : -errno;
  if (failed < 0)
    throw error("watch the process that is to take this one's place", system_code(failed));
}

hot_restart::watched::~watched() { of_.loop_.io().unwatch(*this); }

hot_restart::hot_restart(event_loop& loop, std::unique_ptr<successor> one,
                         std::function<void(successor::state)> on_end)
    : loop_(loop), successor_(std::move(one)), on_end_(std::move(on_end)) {
  link_ = std::make_unique<watched>(*this, successor_->link());
  process_ = std::make_unique<watched>(*this, successor_->pidfd());
  loop_.arm(*this, successor_->deadline());
}

hot_restart::~hot_restart() = default;

void hot_restart::look() noexcept {
  successor::state found = successor::state::starting;
  try {
    found = successor_->look(loop_.now());
  } catch (const std::exception&) {  // no memory for a line of the log: looked at again
  }
  if (found == successor::state::starting) return loop_.arm(*this, successor_->deadline());
  const auto tell = on_end_;  // outlives this object
  tell(found);
}

}  // namespace cetane::detail
