#pragma once

#include <cetane/base/clock.hpp>
#include <cetane/os/address.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace cetane::os {

/// Who has started this program and wants to know how it is: systemd, by the protocol of
/// sd_notify(3), or nobody.
///
/// A manager that has gone, or does not read, harms nothing: the first message that does not reach
/// it is told in the log.
class service_manager {
 public:
  /// What the environment says; null stands for a variable that is not set.
  struct variables {
    const char* socket = nullptr;         // NOTIFY_SOCKET
    const char* watchdog_usec = nullptr;  // WATCHDOG_USEC
    const char* watchdog_pid = nullptr;   // WATCHDOG_PID
  };

  /// Nobody.
  service_manager() noexcept = default;
  /// @throws error  The variables cannot be understood.
  service_manager(const variables& said, int own_pid);

  /// The one that the environment names. Removes the variables, so that no child speaks for this
  /// process. For the start of a program, as take_inheritance().
  /// @throws error  The variables cannot be understood.
  static service_manager from_environment();

  bool is_there() const noexcept { return where_.is_unix(); }
  /// After how long without a word it takes this process for dead; zero: never.
  duration watchdog() const noexcept { return watchdog_; }

  // What it is told. Each may wait for a second if the manager does not read.

  void ready() { tell("READY=1"); }
  void stopping() { tell("STOPPING=1"); }
  /// Another process is made ready to take this one's place.
  void reloading();
  /// It has.
  void handed_over_to(int pid);
  /// This process is well. Never waits.
  void alive();

  /// The variables for the process that takes this one's place; `pid` is for it to fill in.
  std::vector<std::string> variables_for(std::string_view pid) const;

 private:
  void tell(std::string_view text, bool may_wait = true);
  int send(std::string_view text, bool may_wait) const noexcept;

  address where_;
  duration watchdog_ = duration::zero();
  bool lost_ = false;  // the last message did not reach it
};

}  // namespace cetane::os
