#pragma once

#include <app/successor.hpp>
#include <runtime/backend.hpp>

#include <cetane/os/unique_fd.hpp>
#include <cetane/runtime/event_loop.hpp>
#include <cetane/runtime/timer.hpp>

#include <functional>
#include <memory>

namespace cetane::detail {

/// A successor that an event loop looks after.
class hot_restart final : timer {
 public:
  /// Calls `on_end` once, on the loop's thread, when the successor serves or has failed; that may
  /// destroy this object.
  hot_restart(event_loop& loop, std::unique_ptr<successor> one,
              std::function<void(successor::state)> on_end);
  ~hot_restart();

  int pid() const noexcept { return successor_->pid(); }

 private:
  class watched final : public poll_io {
   public:
    watched(hot_restart& of, int fd);
    ~watched();

   private:
    void on_ready() noexcept override { of_.look(); }

    hot_restart& of_;
    unique_fd copy_;  // the successor closes its own when it likes
  };

  void on_timer() noexcept override { look(); }
  void look() noexcept;

  event_loop& loop_;
  const std::unique_ptr<successor> successor_;
  const std::function<void(successor::state)> on_end_;
  std::unique_ptr<watched> link_;
  std::unique_ptr<watched> process_;
};

}  // namespace cetane::detail
