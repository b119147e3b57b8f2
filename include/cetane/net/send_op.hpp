#pragma once

#include <cetane/base/config.hpp>
#include <cetane/coro/task_context.hpp>

#include <coroutine>
#include <cstdint>

namespace cetane {

namespace detail {

class stream;

/// How far the output must have gone before a writer goes on.
enum class output_goal : std::uint8_t {
  low_mark,  // no more queued than the low mark, once the high mark was passed
  empty,     // everything written
  ended,     // everything written, and our end of the connection
  refused,   // another task waits to send already
  too_late,  // our end of the connection came before
};

CETANE_API bool begin_output_wait(stream& to, output_goal& goal, std::coroutine_handle<> frame,
                                  task_context& task);
CETANE_API void finish_output_wait(stream& to, output_goal goal);

}  // namespace detail

/// What send, drain and send_eof return: the bytes are queued already; awaiting it waits until
/// there is room for more.
class [[nodiscard(
    "co_await it: send waits while the peer does not read; try_send never waits")]] send_op {
 public:
  /// `may_go_on`: there is room, nothing has to be waited for.
  explicit send_op(detail::stream & to, bool may_go_on) noexcept
      : to_(&to), may_go_on_(may_go_on) {}
  explicit send_op(detail::stream & to, detail::output_goal goal) noexcept
      : to_(&to), goal_(goal) {}

  bool await_ready() const noexcept { return may_go_on_; }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> frame) {
    return detail::begin_output_wait(*to_, goal_, frame, *frame.promise().context);
  }
  void await_resume() {
    if (!may_go_on_) detail::finish_output_wait(*to_, goal_);
  }

 private:
  detail::stream* to_;
  detail::output_goal goal_ = detail::output_goal::low_mark;
  bool may_go_on_ = false;
};

}  // namespace cetane
