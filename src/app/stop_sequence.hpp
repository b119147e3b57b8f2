#pragma once

#include <app/service_base.hpp>

#include <cetane/app/task_entry.hpp>
#include <cetane/base/clock.hpp>
#include <cetane/runtime/event_loop.hpp>
#include <cetane/runtime/timer.hpp>

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <vector>

namespace cetane::detail {

/// What runs on behalf of an application.
struct work_in_hand {
  event_loop& loop;
  bool whole_loop;  // nothing else runs on it
  cancel_scope& tasks;
  const std::vector<service_base*>& services;
  const std::list<std::unique_ptr<task_entry>>& entries;
};

/// What a stop does with handlers that wait for input of which nothing has come.
enum class idle_handlers : std::uint8_t { are_cancelled, go_on };

/// Ends an application in steps, each bounded in time.
///
/// (1) Listeners close. (2) Tasks that belong to no connection are cancelled at once, and so is
/// each handler that waits for input of which nothing has come; what they have sent is flushed. (3)
/// The other handlers go on until they end or come to such a wait, and connections until they are
/// flushed, at most for the drain limit; services and tasks may have a grace of their own instead.
/// (4) Then they are cancelled, and all together have the clean-up time. (5) What is left is reset.
///
/// With idle_handlers::go_on the second step leaves handlers alone: others have taken over, and
/// nobody is in a hurry.
///
/// advance() is asked on each pass of the loop; the timer is there so that there is a pass when a
/// time is over.
class stop_sequence final : timer {
 public:
  /// Does the first step, and the second as far as tasks go.
  stop_sequence(const work_in_hand& work, duration drain,
                idle_handlers idle = idle_handlers::are_cancelled);

  /// Goes as far as it can. True when everything has ended, or its time is over.
  bool advance() noexcept;

  /// Cancels idle handlers after all.
  void cancel_idle_handlers() noexcept;

  /// Goes to step (5).
  void hurry() noexcept { hurried_ = true; }

  /// Step (5): destroys the tasks that are left and resets the connections.
  void cut_rest() noexcept;

  std::size_t connections() const noexcept { return connections_; }
  std::size_t connections_cut() const noexcept;

 private:
  void on_timer() noexcept override {}

  void look_at(service_base& service, time_point now) noexcept;
  void look_at(task_entry& entry, time_point now) noexcept;
  void look_at_orphans(time_point now) noexcept;
  void wait_for(time_point deadline, time_point now) noexcept;
  bool all_has_ended() const noexcept;

  const work_in_hand work_;
  const duration drain_;
  const time_point begin_;
  const std::uint64_t first_look_;  // number of the pass from which on handlers are looked at
  duration clean_up_ = duration::zero();
  std::size_t connections_ = 0;
  std::optional<time_point> end_;  // of the clean-up
  time_point next_ = never;        // what is waited for, of one pass
  bool draining_ = false;          // found by one pass: something may still go on
  bool flushing_ = false;          // found by one pass: a connection waits for its peer
  bool hurried_ = false;
  idle_handlers idle_;
};

}  // namespace cetane::detail
