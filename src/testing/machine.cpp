#include "testing/machine.hpp"

#include <runtime/backend.hpp>

#include <fmt/format.h>

#include <stdexcept>
#include <utility>

namespace cetane::testing {

machine::machine(simulation& network, std::string name)
    : network_(network), at_(network.add_host(std::move(name))) {
  power_on();
}

machine::~machine() { end_all(); }

event_loop& machine::loop() {
  if (loop_ == nullptr)
    throw std::logic_error(fmt::format("the host {} is down; restart() starts it", at_.name()));
  return *loop_;
}

void machine::enter(program& begun) {
  if (running_program() != nullptr) {
    throw std::logic_error(fmt::format(
        "a program runs on the host {} already; stop it, or use another host", at_.name()));
  }
  begun.start(loop());
  programs_.push_back(begun);
}

program* machine::running_program() noexcept {
  for (program& each : programs_) {
    if (each.running()) return &each;
  }
  return nullptr;
}

void machine::crash() {
  if (!up()) throw std::logic_error(fmt::format("the host {} is down already", at_.name()));
  if (event_loop::current() == loop_.get()) {
    crash_wanted_ = true;
  } else {
    power_off();
  }
}

void machine::restart() {
  if (up()) throw std::logic_error(fmt::format("the host {} is up; crash() ends it", at_.name()));
  power_on();
  for (program& each : programs_) {
    if (each.crashed_) return each.start(*loop_);
  }
}

std::uint64_t machine::errors_unhandled() const noexcept {
  return errors_of_gone_loops_ + (up() ? loop_->stats().errors_unhandled : 0);
}

time_point machine::due() {
  const program* const runs = running_program();
  return runs != nullptr && runs->wants_turn() ? time_point::min() : loop_->due();
}

void machine::take_turn() {
  if (program* const runs = running_program()) {
    runs->take_turn(*loop_);
  } else {
    loop_->take_turn();
  }
  if (std::exchange(crash_wanted_, false)) power_off();
}

std::string machine::dump_tasks() {
  return fmt::format("on the host {}: {}", at_.name(), loop_->dump_tasks());
}

void machine::power_on() {
  loop_ = std::make_unique<event_loop>(network_.make_backend(at_, *this));
}

// The network forgets the host first: what its connections would say as they go, nobody hears.
void machine::power_off() noexcept {
  network_.cut_power(at_);
  for (program& each : programs_) each.crash();
  end_all();
}

void machine::end_all() noexcept {
  for (program& each : programs_) each.end_now();
  while (served* const one = services_.pop_front()) one->end();
  if (loop_ == nullptr) return;
  errors_of_gone_loops_ += loop_->stats().errors_unhandled;
  loop_.reset();
}

}  // namespace cetane::testing
