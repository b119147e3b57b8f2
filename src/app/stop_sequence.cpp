#include <app/stop_sequence.hpp>

#include <cetane/base/limits.hpp>

#include <algorithm>

namespace cetane::detail {
namespace {

using namespace std::chrono_literals;

// No event tells that a peer's system has taken the last bytes, so it is asked for again.
constexpr duration ask_again = 5ms;

}  // namespace

// The next pass polls: what has come by now reaches its handler before that counts as idle.
stop_sequence::stop_sequence(const work_in_hand& work, duration drain, idle_handlers idle)
    : work_(work),
      drain_(drain),
      begin_(work.loop.now()),
      first_look_(work.loop.counters().passes + 2),
      idle_(idle) {
  work_.loop.look_soon();
  for (service_base* const service : work_.services) {
    service->stop_listening();
    connections_ += service->connections();
    clean_up_ = std::max(clean_up_, service->limits().clean_up);
  }
  if (work_.services.empty()) clean_up_ = default_clean_up;
  work_.tasks.cancel(cancel_reason::shutdown);
  for (const auto& entry : work_.entries) entry->start_no_more();
}

bool stop_sequence::advance() noexcept {
  if (hurried_) return true;
  const time_point now = work_.loop.now();
  if (work_.loop.counters().passes < first_look_) {
    work_.loop.arm(*this, now);
    return false;
  }

  next_ = never;
  draining_ = flushing_ = false;
  for (service_base* const service : work_.services) look_at(*service, now);
  for (const auto& entry : work_.entries) look_at(*entry, now);
  if (work_.whole_loop) look_at_orphans(now);
  if (all_has_ended()) return true;

  if (!draining_) {
    if (!end_) end_ = deadline_after(now, clean_up_);
    if (now >= *end_) return true;
    next_ = *end_;
  }
  if (flushing_) next_ = std::min(next_, deadline_after(now, ask_again));
  work_.loop.arm(*this, next_);
  return false;
}

void stop_sequence::look_at(service_base& service, time_point now) noexcept {
  const time_point deadline = deadline_after(begin_, service.grace().value_or(drain_));
  service.end_delivered();
  std::size_t going_on = 0;
  if (now < deadline) {
    const bool spare = idle_ == idle_handlers::go_on;
    going_on = spare ? service.handlers_running() : service.cancel_idle_handlers();
  }
  if (going_on == 0 && !service.all_cancelled())
    service.cancel_handlers();  // and what they have spawned

  const std::size_t flushing = service.connections() - service.handlers_running();
  if (flushing > 0) flushing_ = true;
  if (going_on + flushing > 0) wait_for(deadline, now);
}

void stop_sequence::cancel_idle_handlers() noexcept {
  idle_ = idle_handlers::are_cancelled;
  work_.loop.arm(*this, work_.loop.now());
}

void stop_sequence::look_at(task_entry& entry, time_point now) noexcept {
  if (entry.ended()) return;
  entry.start_no_more();  // it may have been added since
  const time_point deadline = deadline_after(begin_, entry.grace_);
  if (now >= deadline) entry.scope_->cancel(cancel_reason::shutdown);
  wait_for(deadline, now);
}

void stop_sequence::look_at_orphans(time_point now) noexcept {
  auto& orphans = work_.loop.orphans();
  orphan* next = orphans.empty() ? nullptr : &orphans.front();
  while (orphan* const one = next) {
    next = orphans.after(*one);
    one->end_if_delivered();
  }
  if (orphans.empty()) return;
  flushing_ = true;
  wait_for(deadline_after(begin_, drain_), now);
}

void stop_sequence::wait_for(time_point deadline, time_point now) noexcept {
  if (now >= deadline) return;
  draining_ = true;
  next_ = std::min(next_, deadline);
}

bool stop_sequence::all_has_ended() const noexcept {
  bool ended = true;
  for (const service_base* const service : work_.services)
    ended = ended && service->connections() == 0;
  if (!ended) return false;
  if (work_.whole_loop) return work_.loop.tasks_alive() == 0 && work_.loop.orphans().empty();
  work_.tasks.for_each_task([&](task_context&) { ended = false; });
  return ended;
}

void stop_sequence::cut_rest() noexcept {
  disarm();
  for (service_base* const service : work_.services) {
    service->cancel_handlers();
    service->reset_connections();  // before their handlers' end would close them in good order
  }
  work_.loop.end_tasks(work_.tasks);
}

std::size_t stop_sequence::connections_cut() const noexcept {
  std::size_t count = 0;
  for (const service_base* const service : work_.services) count += service->connections_cut();
  return count;
}

}  // namespace cetane::detail
