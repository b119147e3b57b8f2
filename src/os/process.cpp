// Forking, with everything around fork(2) that a C++ program with threads, stdio buffers and a
// library full of descriptors needs. The order is: flush, lock, block signals, fork; the child lets
// go of what is the parent's, and only then takes signals again. So no signal runs a handler of the
// parent's in a child that still holds the parent's descriptors.
#include <cetane/os/process.hpp>

#include "os/fork_hook.hpp"

#include <cetane/base/errors.hpp>
#include <cetane/base/log.hpp>

#include <fmt/format.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <iostream>
#include <stdexcept>

#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace cetane {
namespace {

constexpr int status_of_exception = 1;
constexpr auto by_pidfd = static_cast<idtype_t>(3);  // P_PIDFD, which glibc has since 2.36

const log::logger fork_log("process");

unique_fd open_pidfd(int pid) noexcept {
  return unique_fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
}

std::size_t count_threads() try {
  const std::filesystem::directory_iterator tasks("/proc/self/task");
  return static_cast<std::size_t>(std::distance(begin(tasks), end(tasks)));
} catch (const std::filesystem::filesystem_error& e) {
  throw error("fork a process (count its threads)", e.code());
}

void look_for_threads(threads_at_fork policy) {
  static std::atomic<bool> warned = false;
  if (policy == threads_at_fork::allow || (policy == threads_at_fork::warn && warned)) return;
  const std::size_t threads = count_threads();
  if (threads <= 1) return;
  if (policy == threads_at_fork::refuse) {
    throw std::logic_error(
        fmt::format("fork a process: {} threads run, and the options refuse that; fork before they "
                    "start, or set threads_at_fork::allow",
                    threads));
  }
  if (!warned.exchange(true)) {
    fork_log.warning(
        "a process with {} threads is forked: locks that other threads hold now stay "
        "locked in the child",
        threads);
  }
}

// stdout, stderr and std::cout only: flushing all streams would wait for a thread that reads stdin.
void flush_output() {
  std::cout.flush();
  std::fflush(stdout);
  std::fflush(stderr);
}

class all_signals_blocked {
 public:
  all_signals_blocked() noexcept {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  all_signals_blocked(const all_signals_blocked&) = delete;
  all_signals_blocked& operator=(const all_signals_blocked&) = delete;
  ~all_signals_blocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_;
};

void take_signals_again() noexcept {
  struct sigaction now {};
  if (::sigaction(SIGPIPE, nullptr, &now) == 0 && now.sa_handler == SIG_DFL) {
    std::signal(SIGPIPE, SIG_IGN);
  }
  sigset_t none;
  ::sigemptyset(&none);
  ::pthread_sigmask(SIG_SETMASK, &none, nullptr);
}

[[noreturn]] void end_child(int status) noexcept {
  try {
    flush_output();
  } catch (...) {  // std::cout may be told to throw
  }
  ::_exit(status);
}

// Ends inside the catch clauses: what glibc unwinds a cancelled thread with must not be left
// caught.
[[noreturn]] void run_child(const std::function<int()>& body) noexcept {
  take_signals_again();
  try {
    end_child(body());
  } catch (const std::exception& e) {
    fork_log.error("child process {} failed: {}", ::getpid(), e.what());
    end_child(status_of_exception);
  } catch (...) {
    fork_log.error("child process {} failed with something that is no std::exception", ::getpid());
    end_child(status_of_exception);
  }
}

}  // namespace

std::string child_status::to_string() const {
  switch (end_) {
    case how::exited:
      return fmt::format("exited with status {}", number_);
    case how::killed:
      return fmt::format("killed by signal {}", number_);
    case how::unknown:
      break;
  }
  return "ended with a status that is lost";
}

child_process& child_process::operator=(child_process&& other) noexcept {
  if (this != &other) {
    ask(WNOHANG);
    pid_ = other.pid_;
    pidfd_ = std::move(other.pidfd_);
    status_ = other.status_;
  }
  return *this;
}

child_process::~child_process() { ask(WNOHANG); }

std::optional<child_status> child_process::try_wait() { return ask(WNOHANG); }

child_status child_process::wait() { return *ask(0); }

std::optional<child_status> child_process::ask(int flags) {
  if (!status_ && !pidfd_) status_.emplace(child_status::how::unknown, 0);
  if (status_) return status_;
  siginfo_t facts{};
  int result = 0;
  do {
    result = ::waitid(by_pidfd, static_cast<id_t>(pidfd_.get()), &facts, WEXITED | flags);
  } while (result < 0 && errno == EINTR);
  if (result == 0 && facts.si_pid == 0) return std::nullopt;  // it still runs

  using how = child_status::how;
  if (result < 0) {
    status_.emplace(how::unknown, 0);
  } else {
    status_.emplace(facts.si_code == CLD_EXITED ? how::exited : how::killed, facts.si_status);
  }
  pidfd_.reset();
  return status_;
}

bool child_process::signal(int number) noexcept {
  return pidfd_ && ::syscall(SYS_pidfd_send_signal, pidfd_.get(), number, nullptr, 0) == 0;
}

child_process fork_process(const std::function<int()>& body, const fork_options& options) {
  look_for_threads(options.threads);
  // Takes the place of the child's, so that a lack of descriptors is met before there is a child.
  unique_fd place = open_pidfd(::getpid());
  if (!place) throw error("fork a process (pidfd_open)", system_code(errno));
  flush_output();

  os::fork_hooks_locked hooks;
  const all_signals_blocked blocked;
  const int pid = ::fork();
  if (pid < 0) throw error("fork a process", system_code(errno));
  if (pid == 0) {
    place.reset();
    hooks.run_and_unlock(options.kept);
    run_child(body);
  }
  place.reset();
  unique_fd pidfd = open_pidfd(pid);
  // No such process: it has ended, and somebody, or the kernel where SIGCHLD is ignored, has
  // forgotten it already.
  if (!pidfd && errno != ESRCH) {  // another thread took the place
    const int why = errno;
    ::kill(pid, SIGKILL);
    while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
    }
    throw error("fork a process (pidfd_open)", system_code(why));
  }
  return child_process(pid, std::move(pidfd));
}

}  // namespace cetane
