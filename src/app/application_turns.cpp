// An application whose loop somebody else runs.
#include <app/application_turns.hpp>

#include <app/application_core.hpp>

#include <cetane/app/application.hpp>

#include <utility>

namespace cetane::detail {

void application_core::begin() {
  run_only_once();
  const presence here(*this);
  settle_processes();
  settle_workers();
  try {
    start();
  } catch (...) {
    finish();
    throw;
  }
}

// As a loop asks that the application itself runs: before and after each pass.
bool application_core::take_turn(const std::function<void()>& turn) {
  const presence here(*this);
  bool ended = advance();
  if (!ended) {
    turn();
    ended = advance();
  }
  if (ended) finish();
  return !ended;
}

void application_core::end_now() noexcept {
  const presence here(*this);
  for (service_base* const core : cores_) core->end_now();
  if (scope_) loop_->end_tasks(*scope_);
  for (service_base* const core : cores_) core->reset_connections();  // those that only flush
  finish();
}

application_turns::application_turns(application& of) noexcept : core_(*of.core_) {}

void application_turns::start() {
  core_.begin();
  running_ = true;
}

bool application_turns::wants_turn() const noexcept { return running_ && core_.wants_turn(); }

bool application_turns::take(const std::function<void()>& turn) {
  running_ = core_.take_turn(turn);
  return running_;
}

void application_turns::end_now() noexcept {
  if (std::exchange(running_, false)) core_.end_now();
}

}  // namespace cetane::detail
