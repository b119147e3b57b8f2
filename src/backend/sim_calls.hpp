#pragma once

#include <backend/sim_alarm.hpp>
#include <backend/sim_engine.hpp>

#include <cetane/base/clock.hpp>
#include <cetane/runtime/event_loop.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <utility>

namespace cetane::detail {

/// The calls of thread() that all loops of a simulation have under way.
///
/// Each is really made, on another thread, and its answer waits here until the virtual time that
/// was drawn for it when it began. Those that are due at the same time are told in the order in
/// which they began, once all that run have ended and nothing else is left to do at that time: how
/// long they took on the machine is never seen.
class sim_calls {
 public:
  sim_calls(sim_engine& engine, sim_alarm& alarm)
      : alarm_(alarm), times_(engine.options.seed(), "calls", engine.trace) {}

  /// How long those take that begin from now on.
  void take(duration shortest, duration longest);

  void begin(event_loop& from, const message& call, time_point now);
  /// Nobody waits for it any more.
  void forget(const message& call) noexcept;

  /// Takes the answer, on the thread that made the call; false if it is none of these.
  bool keep(message& answer) noexcept;

  /// When the next answer is due that has come; `never` if there is none.
  time_point next_due() const noexcept;
  /// True if one is due, whether it has come or not.
  bool any_due(time_point now) const noexcept;
  std::size_t count() const noexcept;
  bool running() const noexcept { return alarm_.calls_running(); }

  /// Hands out the answers that have come and are due.
  void tell(time_point now);

 private:
  struct entry {
    event_loop* from;
    const message* call;
    std::unique_ptr<message> answer;
  };
  using order = std::pair<time_point, std::uint64_t>;

  std::map<order, entry>::iterator find(const message& call) noexcept;
  entry take_due(time_point now) noexcept;

  sim_alarm& alarm_;
  sim_dice times_;
  duration shortest_ = duration::zero();
  duration longest_ = duration::zero();
  std::uint64_t begun_ = 0;

  mutable std::mutex mutex_;
  std::map<order, entry> calls_;
};

}  // namespace cetane::detail
