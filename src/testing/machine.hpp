#pragma once

#include <cetane/backend/sim.hpp>
#include <cetane/backend/sim_hosts.hpp>
#include <cetane/base/intrusive_list.hpp>
#include <cetane/runtime/event_loop.hpp>
#include <cetane/testing/program.hpp>
#include <cetane/testing/served.hpp>

#include <cstdint>
#include <memory>
#include <string>

namespace cetane::testing {

/// What a host is made of: its place on the network, and while it is up its loop and what runs
/// there.
class machine final : public simulated_turns {
 public:
  machine(simulation& network, std::string name);
  machine(const machine&) = delete;
  machine& operator=(const machine&) = delete;
  ~machine();

  simulated_host& at() const noexcept { return at_; }

  bool up() const noexcept { return loop_ != nullptr; }
  /// @throws std::logic_error  It is down.
  event_loop& loop();
  const event_loop* loop_if_up() const noexcept { return loop_.get(); }

  intrusive_list<served, host>& services() noexcept { return services_; }

  /// A program begins.
  void enter(program& begun);

  void crash();
  void restart();

  /// Exceptions that nobody has seen to, those of loops that are gone included.
  std::uint64_t errors_unhandled() const noexcept;

  time_point due() override;
  void take_turn() override;
  std::string dump_tasks() override;

 private:
  program* running_program() noexcept;
  void power_on();
  void power_off() noexcept;
  void end_all() noexcept;

  simulation& network_;
  simulated_host& at_;
  std::unique_ptr<event_loop> loop_;
  intrusive_list<served, host> services_;
  intrusive_list<program, machine> programs_;  // one of them runs, at most
  bool crash_wanted_ = false;                  // by one of its own tasks
  std::uint64_t errors_of_gone_loops_ = 0;
};

}  // namespace cetane::testing
