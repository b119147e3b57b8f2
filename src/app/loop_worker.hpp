#pragma once

#include <app/loop_runner.hpp>

#include <cetane/app/task_entry.hpp>
#include <cetane/runtime/loop_ref.hpp>

#include <atomic>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <thread>

namespace cetane::detail {

class application_core;

/// What the core of a loop beside the first one knows of the application.
struct loop_seat {
  unsigned number;  // the first loop has 1
  application_core* head;
};

/// One of the further event loops of an application, with its thread. It belongs to the first
/// loop's thread, and tells the other one in its mailbox what to do.
class loop_worker {
 public:
  /// `on_end` is called on the first loop when this one has ended.
  loop_worker(std::unique_ptr<application_core> core, const loop_ref& first,
              std::function<void(const loop_worker&)> on_end);
  loop_worker(const loop_worker&) = delete;
  loop_worker& operator=(const loop_worker&) = delete;
  /// Ends it at once, and waits for that.
  ~loop_worker();

  /// Starts the thread; returns when it serves.
  ///
  /// @throws error  It cannot.
  void start();

  const loop_ref& loop() const noexcept { return *loop_; }
  application_core& core() noexcept { return *core_; }

  /// `makes_way`: another process has taken over, and idle handlers go on.
  void begin_stop(bool makes_way) noexcept;
  void cancel_idle_handlers() noexcept;
  void hurry() noexcept;
  void show_tasks();
  void add_task(std::unique_ptr<task_entry> entry);

  bool ended() const noexcept { return ended_; }
  bool failed() const noexcept { return failed_; }
  /// Waits for the thread.
  void join() noexcept;

 private:
  void run(std::promise<loop_ref> begins) noexcept;
  void send(std::unique_ptr<message>& message) noexcept;

  std::unique_ptr<application_core> core_;
  const loop_ref first_;
  const std::function<void(const loop_worker&)> on_end_;
  std::optional<loop_ref> loop_;
  // Made before there is a need, when there may be no memory.
  std::unique_ptr<message> stop_;
  std::unique_ptr<message> make_way_;
  std::unique_ptr<message> cancel_idle_;
  std::unique_ptr<message> hurry_;
  bool ended_ = false;  // as the first loop knows
  std::atomic<bool> failed_ = false;
  std::thread thread_;
};

}  // namespace cetane::detail
