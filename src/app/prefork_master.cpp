// A turn of the master is: do what the roster says; wait for a signal, a word from a worker, the
// end of one, or a time; heed the signals; hear the workers and bury those that have ended.
#include <app/prefork_master.hpp>

#include <app/application_core.hpp>
#include <os/socket.hpp>

#include <cetane/base/errors.hpp>
#include <cetane/base/log.hpp>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <poll.h>
#include <sys/socket.h>

namespace cetane::detail {
namespace {

using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;

/// How long a worker may take that was told to stop at once.
constexpr duration patience_at_once = 2s;

constexpr duration pause_without_memory = 100ms;

const log::logger master_log("prefork");

void say(const unique_fd& link, char word) noexcept {
  // One who does not take it has ended.
  [[maybe_unused]] const ssize_t ignored = ::send(link.get(), &word, 1, MSG_NOSIGNAL);
}

int milliseconds_until(time_point until) {
  if (until == never) return -1;
  const duration left = std::max(duration::zero(), until - clock::now());
  return static_cast<int>(
      std::chrono::ceil<std::chrono::milliseconds>(std::min(left, duration(1h))).count());
}

// Of what poll(2) may say, a lack of memory passes.
void go_on_after(int error_of_poll) {
  if (error_of_poll == EINTR) return;
  if (error_of_poll != ENOMEM)
    throw error("wait for the workers (poll)", system_code(error_of_poll));
  std::this_thread::sleep_for(pause_without_memory);
}

std::string next_one(duration pause) {
  return pause > duration::zero() ? "another one starts in " + duration_text(pause)
                                  : "another one starts";
}

}  // namespace

prefork_master::prefork_master(prefork_duty& duty, std::size_t workers, duration patience,
                               os::service_manager& manager)
    : duty_(duty), patience_(patience), roster_(workers), manager_(manager) {
  signals_.emplace({SIGINT, SIGTERM, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2});
  if (manager_.watchdog() > duration::zero()) feed_at_ = clock::now();
}

int prefork_master::run() {
  for (;;) {
    direct();
    if (roster_.stopping() && workers_.empty()) return status_;
    wait();
  }
}

void prefork_master::direct() {
  for (;;) {
    const worker_roster::command command = roster_.next(clock::now());
    if (command.what == worker_roster::order::wait) return;
    if (command.what == worker_roster::order::start) {
      start_worker();
    } else {
      let_go(command.worker);
    }
  }
}

void prefork_master::start_worker() {
  unique_fd here;
  unique_fd there;
  try {
    if (const int failed = os::make_socket_pair(here, there); failed < 0)
      throw error("make a worker (socketpair)", system_code(failed));
    fork_options options;
    options.threads = threads_at_fork::warn;
    child_process process = fork_process(
        [&] {
          here.reset();
          return be_worker(std::move(there));
        },
        options);
    const int pid = process.pid();
    workers_.insert_or_assign(pid, worker{std::move(process), std::move(here)});
    roster_.started(pid, clock::now());
    master_log.debug("worker {} starts", pid);
  } catch (const error& e) {
    const duration pause = roster_.start_failed(clock::now());
    master_log.error("{}; trying again in {}", e.what(), duration_text(pause));
  }
}

// In the child: nothing of the master's may stay open, or the other workers would not see its end.
int prefork_master::be_worker(unique_fd link) {
  workers_.clear();
  signals_.reset();
  return duty_.work(std::move(link));
}

void prefork_master::let_go(int pid) {
  roster_.leaves(pid);
  worker& one = workers_.at(pid);
  one.kill_at = deadline_after(clock::now(), patience_);
  say(one.link, worker_word::go);
}

void prefork_master::wait() {
  std::vector<pollfd> asked;
  std::vector<int> pids;
  asked.push_back({signals_->fd(), POLLIN, 0});
  time_point until = std::min(roster_.wake_at(), feed_at_);
  if (successor_) {
    asked.push_back({successor_->pidfd(), POLLIN, 0});
    if (successor_->link_is_open()) asked.push_back({successor_->link(), POLLIN, 0});
    until = std::min(until, successor_->deadline());
  }
  for (const auto& [pid, one] : workers_) {
    pids.push_back(pid);
    asked.push_back({one.process.pidfd(), POLLIN, 0});
    asked.push_back({one.link.get(), POLLIN, 0});
    until = std::min(until, one.kill_at);
  }
  if (::poll(asked.data(), asked.size(), milliseconds_until(until)) < 0) go_on_after(errno);
  feed_watchdog();
  heed_signals();
  look_at_successor();
  for (const int pid : pids) {
    worker& one = workers_.at(pid);
    const auto status = one.process.try_wait();
    hear(pid, one);  // its last words too
    if (status) bury(pid, *status);
  }
  kill_overdue();
}

void prefork_master::heed_signals() {
  while (const int number = signals_->next()) heed(number);
}

void prefork_master::heed(int number) {
  switch (number) {
    case SIGHUP:
      if (roster_.stopping()) return;
      master_log.info("restarting {} worker{}", workers_.size(), workers_.size() == 1 ? "" : "s");
      return roster_.restart_all();
    case SIGUSR1:
      for (auto& [pid, one] : workers_) {
        one.shows_tasks = !roster_.is_ready(pid);
        if (!one.shows_tasks) one.process.signal(SIGUSR1);
      }
      return;
    case SIGUSR2:
      return begin_restart();
    case SIGQUIT:
      return stop_at_once();
    default:
      if (std::exchange(makes_way_, false)) return tell_all_to_stop();
      if (!roster_.stopping()) return stop();
      status_ = status_of_signal(number);
      return stop_at_once();
  }
}

void prefork_master::stop() {
  roster_.stop();
  duty_.on_stopping();
  master_log.info("stopping: {} worker{} (Ctrl-C again to stop now)", workers_.size(),
                  workers_.size() == 1 ? "" : "s");
  tell_all_to_stop();
}

void prefork_master::tell_all_to_stop() {
  successor_.reset();
  const time_point deadline = deadline_after(clock::now(), patience_);
  for (auto& [pid, one] : workers_) {
    one.kill_at = std::min(one.kill_at, deadline);
    one.process.signal(SIGTERM);
  }
}

void prefork_master::begin_restart() {
  if (makes_way_) return master_log.warning("SIGUSR2: another process has taken over already");
  if (roster_.stopping()) return master_log.warning("SIGUSR2: nothing is started during a stop");
  if (successor_) {
    return master_log.warning(
        "SIGUSR2: process {} starts already; nothing else does until it "
        "serves or fails",
        successor_->pid());
  }
  try {
    successor_ = duty_.start_successor();
  } catch (const error& e) {
    master_log.error("SIGUSR2: {}; this process goes on", e.what());
  }
}

void prefork_master::look_at_successor() {
  if (!successor_) return;
  const successor::state found = successor_->look(clock::now());
  if (found == successor::state::starting) return;
  const auto ended = std::move(successor_);
  duty_.on_successor(*ended, found);
  if (found == successor::state::serves) make_way();
}

// As one by one at SIGHUP, but all, and nobody takes their place here.
void prefork_master::make_way() {
  makes_way_ = true;
  roster_.stop();
  duty_.on_stopping();
  for (const auto& [pid, one] : workers_) let_go(pid);
}

void prefork_master::feed_watchdog() {
  const time_point now = clock::now();
  if (now < feed_at_) return;
  manager_.alive();
  feed_at_ = deadline_after(now, manager_.watchdog() / 2);
}

// Who has not come up yet would take the signal for a reason to leave a core file behind.
void prefork_master::stop_at_once() {
  successor_.reset();
  if (!roster_.stopping()) {
    roster_.stop();
    duty_.on_stopping();
    master_log.info("stopping at once: {} worker{}", workers_.size(),
                    workers_.size() == 1 ? "" : "s");
  }
  const time_point deadline = deadline_after(clock::now(), patience_at_once);
  for (auto& [pid, one] : workers_) {
    one.kill_at = std::min(one.kill_at, deadline);
    one.process.signal(roster_.is_ready(pid) ? SIGQUIT : SIGKILL);
  }
}

void prefork_master::hear(int pid, worker& one) {
  char words[16];
  ssize_t count = 0;
  while ((count = ::recv(one.link.get(), words, sizeof words, MSG_DONTWAIT)) > 0) {
    for (ssize_t i = 0; i < count; ++i) {
      if (words[i] == worker_word::ready) {
        const bool first = !roster_.any_was_ready();
        roster_.ready(pid);
        if (std::exchange(one.shows_tasks, false)) one.process.signal(SIGUSR1);
        if (first) duty_.on_serving();
      } else if (words[i] == worker_word::leaves) {
        roster_.leaves(pid);
        one.kill_at = deadline_after(clock::now(), patience_);
      } else if (words[i] == worker_word::stop_all && !roster_.stopping()) {
        stop();
      }
    }
  }
  if (count == 0) one.link.reset();
}

void prefork_master::bury(int pid, const child_status& status) {
  workers_.erase(pid);
  const bool tried_in_vain = !roster_.any_was_ready();
  const duration pause = roster_.ended(pid, clock::now());
  if (pause < duration::zero()) {
    master_log.debug("worker {} {}", pid, status.to_string());
    return;
  }
  // It has said itself what keeps it from serving, and would keep all others.
  if (tried_in_vain && status == child_status(child_status::how::exited, status_refused)) {
    status_ = status_refused;
    return roster_.stop();
  }
  if (roster_.hopeless()) {
    master_log.error("worker {} {}; none has come up, giving up", pid, status.to_string());
    status_ = status_refused;
    return roster_.stop();
  }
  master_log.warning("worker {} {}; {}", pid, status.to_string(), next_one(pause));
}

void prefork_master::kill_overdue() {
  const time_point now = clock::now();
  for (auto& [pid, one] : workers_) {
    if (now < one.kill_at) continue;
    one.kill_at = never;
    master_log.warning("worker {} was told to stop and has not; it is killed", pid);
    one.process.signal(SIGKILL);
  }
}

}  // namespace cetane::detail
