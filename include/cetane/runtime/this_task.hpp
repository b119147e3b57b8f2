#pragma once

#include <cetane/base/config.hpp>
#include <cetane/coro/task_context.hpp>
#include <cetane/runtime/event_loop.hpp>

#include <exception>
#include <string>
#include <string_view>

namespace cetane::detail {

[[noreturn]] CETANE_API void refuse_outside_of_loop(const char* wanted);
[[noreturn]] CETANE_API void refuse_outside_of_task(const char* wanted);

/// The loop that runs on this thread. Throws std::logic_error when there is none; `wanted` names
/// the call that needs it.
inline event_loop& this_loop(const char* wanted) {
  if (event_loop* const loop = loop_of_thread) [[likely]]
    return *loop;
  refuse_outside_of_loop(wanted);
}

/// The task that is running. Throws std::logic_error outside of one.
inline task_context& this_task(const char* wanted) {
  if (task_context* const task = this_loop(wanted).running()) [[likely]]
    return *task;
  refuse_outside_of_task(wanted);
}

/// Called in a catch block: throws on a `cancelled` that is meant for the running task. One that
/// comes from another task is an error like any other.
CETANE_API void throw_on_if_cancelled();

/// The event loop of a task.
inline event_loop& loop_of(const task_context& task) noexcept {
  return static_cast<event_loop&>(*task.loop);
}

/// The name that a function's author knows it by, from its signature as the compiler writes it
/// down: "room::talk", "lambda in main".
CETANE_API std::string function_name(std::string_view signature);

/// A name for a frame: that of the coroutine's function.
CETANE_API std::string function_label(std::coroutine_handle<> frame);

/// Logs an exception that nobody awaits, with the task's label and peer. `cancelled` is the normal
/// end of a task: a debug line.
CETANE_API void report_unhandled(const task_context& task, std::exception_ptr error) noexcept;

}  // namespace cetane::detail
