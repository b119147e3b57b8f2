#pragma once

#include <cstdint>

namespace cetane {

/// What a loop has counted since it was made. Plain figures, read on the loop's thread.
///
/// At any time: tasks_started == tasks_finished + tasks_alive, timers_armed == timers_fired +
/// timers_cancelled + timers_live, of connections bytes_queued == bytes_sent + bytes_dropped + what
/// still waits, accepted == connections closed + open.
struct loop_stats {
  std::uint64_t passes = 0;
  std::uint64_t resumes = 0;
  std::uint64_t tasks_started = 0;
  std::uint64_t tasks_finished = 0;
  std::uint64_t tasks_alive = 0;  // as all that stats() computes, it stays 0 while it is counted
  std::uint64_t errors_unhandled = 0;  // exceptions that ended a task and that were only logged
  std::uint64_t timers_armed = 0;
  std::uint64_t timers_fired = 0;
  std::uint64_t timers_cancelled = 0;
  std::uint64_t timers_live = 0;
  std::uint64_t messages = 0;  // posted by other threads and delivered
  std::uint64_t connections_opened = 0;
  std::uint64_t connections_closed = 0;
  std::uint64_t bytes_received = 0;
  std::uint64_t bytes_queued = 0;   // accepted by send
  std::uint64_t bytes_sent = 0;     // taken by the kernel
  std::uint64_t bytes_dropped = 0;  // reported undelivered when a connection closed
  std::uint64_t datagrams_received = 0;
  std::uint64_t datagrams_sent = 0;     // taken by the kernel
  std::uint64_t datagrams_dropped = 0;  // had no room here, on their way in or out
  std::uint64_t stale_events = 0;       // events for a descriptor that was closed meanwhile

  // What never happens unless there is a mistake in the library:
  std::uint64_t stray_wakes = 0;    // a task was to go on that waited for nothing
  std::uint64_t late_handlers = 0;  // one began although its service had stopped

  // On io_uring:
  std::uint64_t completion_overflows = 0;  // the kernel had more news than its queue holds
  std::uint64_t buffer_shortages = 0;      // input had to wait for a receive buffer
};

}  // namespace cetane
