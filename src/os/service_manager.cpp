#include <os/service_manager.hpp>

#include <os/given_variable.hpp>
#include <os/raw_address.hpp>
#include <os/socket.hpp>
#include <os/socket_option.hpp>

#include <cetane/base/errors.hpp>
#include <cetane/base/log.hpp>
#include <cetane/base/text.hpp>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <optional>

#include <fmt/format.h>

#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

namespace cetane::os {
namespace {

/// How long a manager that does not read is waited for.
constexpr timeval patience{1, 0};

const log::logger manager_log("application");

error not_from_manager(std::string_view variable, std::string_view text, std::string_view what) {
  return not_understood(variable, text, what, "a service manager, see sd_notify(3)");
}

address read_place(std::string_view text) {
  const bool known = text.size() > 1 && (text[0] == '/' || text[0] == '@');
  if (!known)
    throw not_from_manager("NOTIFY_SOCKET", text,
                           "is neither an absolute path nor an abstract name");
  try {
    return address::unix_path(text);
  } catch (const error&) {
    throw not_from_manager("NOTIFY_SOCKET", text, "is no path that a socket may have");
  }
}

duration read_watchdog(const service_manager::variables& said, int own_pid) {
  if (said.watchdog_usec == nullptr) return duration::zero();
  if (said.watchdog_pid != nullptr) {
    const auto pid = read_number<int>(said.watchdog_pid);
    if (!pid || *pid == 0)
      throw not_from_manager("WATCHDOG_PID", said.watchdog_pid, "is no process");
    if (*pid != own_pid) return duration::zero();
  }
  const auto span = read_number<std::int64_t>(said.watchdog_usec);
  if (!span || *span == 0)
    throw not_from_manager("WATCHDOG_USEC", said.watchdog_usec, "is no time");
  return any_duration(std::chrono::microseconds(*span));
}

}  // namespace

service_manager::service_manager(const variables& said, int own_pid) {
  if (said.socket == nullptr) return;
  where_ = read_place(said.socket);
  watchdog_ = read_watchdog(said, own_pid);
}

service_manager service_manager::from_environment() {
  const auto remove = [](auto... names) { (::unsetenv(names), ...); };
  const variables said{std::getenv("NOTIFY_SOCKET"), std::getenv("WATCHDOG_USEC"),
                       std::getenv("WATCHDOG_PID")};
  service_manager found(said, ::getpid());
  remove("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID");
  return found;
}

// systemd compares the time with that of its own clock, to know which reload this is the answer to.
void service_manager::reloading() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  tell(fmt::format("RELOADING=1\nMONOTONIC_USEC={}",
                   std::chrono::duration_cast<std::chrono::microseconds>(now).count()));
}

void service_manager::handed_over_to(int pid) { tell(fmt::format("MAINPID={}\nREADY=1", pid)); }

void service_manager::alive() { tell("WATCHDOG=1", false); }

std::vector<std::string> service_manager::variables_for(std::string_view pid) const {
  if (!is_there()) return {};
  std::vector<std::string> all = {"NOTIFY_SOCKET=" + where_.host()};
  if (watchdog_ > duration::zero()) {
    const auto span = std::chrono::duration_cast<std::chrono::microseconds>(watchdog_);
    all.push_back(fmt::format("WATCHDOG_USEC={}", span.count()));
    all.push_back(fmt::format("WATCHDOG_PID={}", pid));
  }
  return all;
}

void service_manager::tell(std::string_view text, bool may_wait) {
  if (!is_there()) return;
  const int result = send(text, may_wait);
  if (result < 0 && !lost_) {
    manager_log.warning("cannot tell the service manager at {} \"{}\": {}", where_, escape(text),
                        reason_text(system_code(result)));
  }
  lost_ = result < 0;
}

// A socket for each message: they are rare, and between them there is no descriptor to look after.
int service_manager::send(std::string_view text, bool may_wait) const noexcept {
  unique_fd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!fd) return -errno;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  raw_address to(where_);
  const int flags = MSG_NOSIGNAL | (may_wait ? 0 : MSG_DONTWAIT);
  ssize_t sent = 0;
  do {
    sent = ::sendto(fd.get(), text.data(), text.size(), flags, to.get(), to.length());
  } while (sent < 0 && errno == EINTR);
  return sent < 0 ? -errno : 0;
}

}  // namespace cetane::os
