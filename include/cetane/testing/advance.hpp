#pragma once

#include <cetane/backend/sim_rest.hpp>
#include <cetane/base/clock.hpp>
#include <cetane/base/config.hpp>
#include <cetane/coro/task_context.hpp>

#include <coroutine>
#include <string>

namespace cetane {
class simulation;
}

namespace cetane::testing {

/// Time travel, see world::advance().
class [[nodiscard("advance() does nothing until it is awaited")]] CETANE_API advance_op
    : public simulated_rest,
      public detail::waitable {
 public:
  advance_op(simulation & in, duration span) noexcept : in_(in), span_(span) {}

  bool await_ready() const noexcept { return false; }
  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> frame) {
    task_ = frame.promise().context;
    begin();
    task_->suspend(frame, *this);
  }
  void await_resume() const;

  void cancel_wait(detail::task_context & task) noexcept override;
  std::string describe_wait() const override;

 private:
  void begin();
  void on_rest() noexcept override;

  simulation& in_;
  duration span_;
  detail::task_context* task_ = nullptr;
  bool done_ = false;
};

}  // namespace cetane::testing
