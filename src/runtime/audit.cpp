#include <runtime/audit.hpp>

#include <runtime/backend.hpp>
#include <runtime/timer_wheel.hpp>

#include <cetane/runtime/event_loop.hpp>

#include <fmt/format.h>

#include <atomic>
#include <iterator>

namespace cetane::detail {
namespace {

std::atomic<audit::listener> told{nullptr};

template <class... Args>
void add_line(std::string& to, fmt::format_string<Args...> format, Args&&... args) {
  fmt::format_to(std::back_inserter(to), format, std::forward<Args>(args)...);
  to += '\n';
}

// One that has been told that it is cancelled may still wait until what it had begun has ended.
bool is_lost(const task_context& task) noexcept {
  return !task.queued && task.waiting == nullptr && task.cancel_state == cancel_reason::none;
}

}  // namespace

void audit::set_listener(listener wanted) noexcept { told = wanted; }

audit::audit(event_loop& loop, const timer_wheel& timers) noexcept : loop_(loop), timers_(timers) {
  if (told == nullptr) return;
  loop_.scope().for_each_task([&](const task_context& task) { lost_tasks_ += is_lost(task); });
}

void audit::close() noexcept {
  const listener whom = told;
  if (whom == nullptr) return;
  std::string broken;
  look(broken);
  if (!broken.empty()) whom(broken);
}

void audit::look(std::string& broken) const {
  const loop_stats s = loop_.stats();
  if (s.bytes_queued != s.bytes_sent + s.bytes_dropped) {
    add_line(broken, "bytes: {} were queued, {} sent and {} dropped", s.bytes_queued, s.bytes_sent,
             s.bytes_dropped);
  }
  if (s.connections_opened != s.connections_closed) {
    add_line(broken, "connections: {} were opened and {} closed", s.connections_opened,
             s.connections_closed);
  }
  const std::string left = loop_.io().leftovers();
  if (!left.empty()) add_line(broken, "{}: {}", loop_.io().name(), left);
  if (s.tasks_alive != 0) {
    add_line(broken, "tasks: {} were started and {} finished", s.tasks_started, s.tasks_finished);
  }
  if (s.timers_live != timers_.count_linked()) {
    add_line(broken, "timers: {} were armed, {} fired and {} cancelled, but {} are there",
             s.timers_armed, s.timers_fired, s.timers_cancelled, timers_.count_linked());
  }
  if (lost_tasks_ != 0) add_line(broken, "{} tasks waited for nothing", lost_tasks_);
  if (s.stray_wakes != 0) add_line(broken, "{} wake-ups were for nobody", s.stray_wakes);
  if (s.late_handlers != 0) add_line(broken, "{} handlers began too late", s.late_handlers);
}

}  // namespace cetane::detail
