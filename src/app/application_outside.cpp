// What an application has to do with who has started it: it takes the sockets that it is given,
// says that it serves and that it stops, and starts another run of itself that takes its place.
//
// SIGUSR2 begins a restart. Until the new process says that it serves, both may accept: the
// listening sockets are the same. Then this one stops, without hurry: its listeners close, which
// takes nothing from the new process, and what it has accepted goes on for the drain limit.
#include <app/application_core.hpp>
#include <app/inherit_sockets.hpp>
#include <os/inherited_sockets.hpp>

#include <cetane/base/errors.hpp>
#include <cetane/base/log.hpp>

#include <cerrno>
#include <utility>
#include <vector>

#include <unistd.h>

namespace cetane::detail {
namespace {

const log::logger outside_log("restart");

}  // namespace

void application_core::meet_outside() {
  program_ = find_own_program();
  manager_ = os::service_manager::from_environment();
  os::inheritance all = os::take_inheritance();
  predecessor_ = std::move(all.predecessor);
  inherit_sockets(std::move(all.sockets), cores_);
}

// Of a process that takes another's place that one speaks to the manager, which does not listen to
// the new one before.
void application_core::say_ready() {
  if (!predecessor_) return manager_.ready();
  ssize_t written = 0;
  do {
    written = ::write(predecessor_.get(), &successor_serves, sizeof successor_serves);
  } while (written < 0 && errno == EINTR);
  // If that one has ended meanwhile there is nothing to be said any more.
  predecessor_.reset();
}

void application_core::begin_restart() {
  if (heir_ != 0) return outside_log.warning("SIGUSR2: process {} has taken over already", heir_);
  if (stop_wanted_) return outside_log.warning("SIGUSR2: nothing is started during a stop");
  if (restart_)
    return outside_log.warning(
        "SIGUSR2: process {} starts already; nothing else does until it "
        "serves or fails",
        restart_->pid());
  try {
    auto one = start_successor();
    const successor& on = *one;
    restart_.emplace(*loop_, std::move(one),
                     [this, &on](successor::state now) { end_restart(on, now); });
  } catch (const error& e) {
    outside_log.error("SIGUSR2: {}; this process goes on", e.what());
    manager_.ready();
  }
}

std::unique_ptr<successor> application_core::start_successor() {
  std::vector<successor::socket> sockets;
  for (const service_base* const core : cores_) {
    const service_base::open_socket open = core->socket();
    if (open.fd >= 0) sockets.push_back({open.fd, core->name(), open.removes_file});
  }
  auto one = std::make_unique<successor>(program_, sockets, manager_, restart_limit_);
  manager_.reloading();
  return one;
}

void application_core::on_successor(const successor& one, successor::state now) {
  if (now != successor::state::serves) return manager_.ready();
  heir_ = one.pid();
  manager_.handed_over_to(heir_);
  outside_log.info("process {} has taken over", heir_);
  for (service_base* const core : cores_) core->hand_over();
}

void application_core::end_restart(const successor& one, successor::state now) {
  on_successor(one, now);
  restart_.reset();
  if (heir_ != 0) stop_wanted_ = makes_way_ = true;
}

}  // namespace cetane::detail
