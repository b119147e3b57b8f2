#pragma once

#include <cetane/base/intrusive_list.hpp>
#include <cetane/coro/scheduler.hpp>
#include <cetane/coro/task_context.hpp>

#include <coroutine>
#include <cstddef>
#include <string>

namespace cetane::test {

/// Where tasks wait until the test lets them go on: the plainest of all waits.
class gate {
 public:
  class [[nodiscard]] awaiter final : public detail::waitable, public list_hook<gate> {
   public:
    explicit awaiter(gate& at) noexcept : gate_(at) {}
    awaiter(const awaiter&) = delete;
    awaiter& operator=(const awaiter&) = delete;
    ~awaiter() { leave(); }

    bool await_ready() const noexcept { return false; }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> frame) noexcept {
      task_ = frame.promise().context;
      gate_.line_.push_back(*this);
      ++gate_.waiting_;
      task_->suspend(frame, *this);
    }
    void await_resume() const {
      if (cancelled_) detail::throw_cancelled(*task_);
    }
    void cancel_wait(detail::task_context& task) noexcept override {
      leave();
      cancelled_ = true;
      task.loop->make_ready(task);
    }
    std::string describe_wait() const override { return "gate"; }

   private:
    friend gate;

    void leave() noexcept {
      if (!linked()) return;
      unlink();
      --gate_.waiting_;
    }

    gate& gate_;
    detail::task_context* task_ = nullptr;
    bool cancelled_ = false;
  };

  awaiter wait() noexcept { return awaiter(*this); }

  /// Wakes all who wait, first come, first served. Who comes later waits for the next time.
  void open() noexcept {
    while (!line_.empty()) {
      awaiter& first = line_.front();
      first.leave();
      first.task_->loop->make_ready(*first.task_);
    }
  }

  std::size_t waiting() const noexcept { return waiting_; }

 private:
  intrusive_list<awaiter, gate> line_;
  std::size_t waiting_ = 0;
};

}  // namespace cetane::test
