#include <cetane/sync/worker_pool.hpp>

#include <conc/members.hpp>

#include <cetane/base/errors.hpp>
#include <cetane/base/log.hpp>

#include <fmt/format.h>

namespace cetane::detail {
namespace {

const log::logger worker_log("sync");

}  // namespace

bool workers_at_work::await_ready() noexcept {
  if (owner_.cancel_state != cancel_reason::none) scope_.cancel(owner_.cancel_state);
  return count_ == 0;
}

void workers_at_work::cancel_wait(task_context& task) noexcept {
  task.suspend(task.leaf, *this);
  scope_.cancel(task.cancel_state == cancel_reason::none ? cancel_reason::shutdown
                                                         : task.cancel_state);
}

std::string workers_at_work::describe_wait() const {
  return fmt::format("{} workers of a pool", count_);
}

void workers_at_work::tell_causes(wait_causes& to) const {
  tell_members(scope_, owner_, count_, to);
}

// Without memory for the line there is none.
void report_lost_job() noexcept try {
  try {
    throw;
  } catch (const std::exception& e) {
    worker_log.error("a worker has lost a job: {}", e.what());
  } catch (const cancelled& e) {
    worker_log.error("a worker has lost a job: {}", e.what());
  } catch (...) {
    worker_log.error("a worker has lost a job to something that is no std::exception");
  }
} catch (...) {
}

}  // namespace cetane::detail
