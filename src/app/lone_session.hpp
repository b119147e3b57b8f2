#pragma once

#include <app/connection_runner.hpp>
#include <app/service_core.hpp>
#include <app/stop_sequence.hpp>

#include <cetane/app/task_entry.hpp>
#include <cetane/runtime/cancel_scope.hpp>
#include <cetane/runtime/event_loop.hpp>

#include <list>
#include <memory>
#include <optional>
#include <vector>

namespace cetane::detail {

/// A service's handler for one connection, on an event loop of its own: a service without a
/// listener, with a stop at the end. The loop's backend is of the kind that the service's loop has.
class lone_session final : public outside_session {
 public:
  /// @param of  The service, which lives longer, and whose handler is called.
  explicit lone_session(service_core& of);
  ~lone_session() override;

  void run(unique_fd socket, const address& peer) override;
  void tell(stop_step step) noexcept override;
  event_loop& loop() noexcept { return loop_; }

 private:
  bool advance();

  event_loop loop_;
  cancel_scope scope_;
  service_core& core_;
  const std::vector<service_base*> cores_;
  const std::list<std::unique_ptr<task_entry>> no_tasks_;
  std::optional<stop_sequence> stop_;
  stop_step told_ = stop_step::none;
};

}  // namespace cetane::detail
