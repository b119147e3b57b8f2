#include "os/signals.hpp"

#include <cetane/base/errors.hpp>

#include <cerrno>
#include <csignal>

#include <sys/signalfd.h>
#include <unistd.h>

namespace cetane::os {

struct signal_watcher::masks {
  sigset_t watched;
  sigset_t blocked_here;  // of those; the others were blocked before
};

signal_watcher::signal_watcher(std::initializer_list<int> signals)
    : masks_(std::make_unique<masks>()) {
  ::sigemptyset(&masks_->watched);
  for (const int number : signals) ::sigaddset(&masks_->watched, number);

  fd_.reset(::signalfd(-1, &masks_->watched, SFD_NONBLOCK | SFD_CLOEXEC));
  if (!fd_) throw error("watch signals", system_code(errno));
  // Last, since a constructor that throws runs no destructor that would unblock them.
  sigset_t before;
  ::pthread_sigmask(SIG_BLOCK, &masks_->watched, &before);
  ::sigemptyset(&masks_->blocked_here);
  for (const int number : signals) {
    if (::sigismember(&before, number) == 0) ::sigaddset(&masks_->blocked_here, number);
  }
}

signal_watcher::~signal_watcher() {
  // A signal left pending would strike, usually fatally, at the moment it is unblocked.
  while (next() != 0) {
  }
  // Only these: other watchers may have come after this one.
  ::pthread_sigmask(SIG_UNBLOCK, &masks_->blocked_here, nullptr);
}

int signal_watcher::next() noexcept {
  signalfd_siginfo facts;
  ssize_t count = 0;
  do {
    count = ::read(fd_.get(), &facts, sizeof facts);
  } while (count < 0 && errno == EINTR);
  return count == static_cast<ssize_t>(sizeof facts) ? static_cast<int>(facts.ssi_signo) : 0;
}

}  // namespace cetane::os
