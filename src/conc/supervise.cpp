#include <cetane/conc/supervise.hpp>

#include <cetane/base/log.hpp>
#include <cetane/conc/attempt.hpp>
#include <cetane/conc/sleep.hpp>
#include <cetane/runtime/this_task.hpp>

#include <fmt/format.h>

namespace cetane {
namespace {

const log::logger supervise_log("supervise");

}  // namespace

void restarts::begin() { begun_ = detail::this_loop("supervise").now(); }

// The task's own name goes before that of its function.
void restarts::name_after(std::coroutine_handle<> frame) {
  if (!name_.empty()) return;
  const detail::task_context& task = detail::this_task("supervise");
  const std::string label = task.label();
  name_ = label == detail::function_label(task.root) ? detail::function_label(frame) : label;
}

// The function may have failed before there was a coroutine to name the run after.
std::optional<duration> restarts::end(const std::exception_ptr& error) {
  if (name_.empty()) name_ = detail::this_task("supervise").label();
  const std::string how = error ? "failed: " + detail::error_text(error) : "ended";
  if (detail::this_loop("supervise").now() - begun_ >= policy_.longest_) {
    policy_.pauses_.reset();
    in_a_row_ = 0;
  }
  if (in_a_row_ == policy_.limit_) {
    const std::string line =
        fmt::format("{} {}; not started again after {} restarts", name_, how, in_a_row_);
    // The error itself goes to who joins the task, or to the log as one that nobody has handled.
    if (error) supervise_log.warning("{}", line);
    if (!error) supervise_log.error("{}", line);
    return std::nullopt;
  }
  ++in_a_row_;
  const duration pause = policy_.pauses_.next();
  supervise_log.warning("{} {}; starts again in {}", name_, how, duration_text(pause));
  return pause;
}

namespace detail {
namespace {

// The running task is in `scope` as long as this lives.
class stay_in {
 public:
  explicit stay_in(cancel_scope& scope) : scope_(scope), task_(this_task("supervise")) {
    scope_.enter(task_);
  }
  stay_in(const stay_in&) = delete;
  stay_in& operator=(const stay_in&) = delete;
  // A loop that is destroyed has unlinked the task from all scopes.
  ~stay_in() {
    if (task_.list_hook<cancel_scope>::linked()) {
      scope_.leave(task_);
    } else {
      task_.scope = scope_.parent();
    }
  }

 private:
  cancel_scope& scope_;
  task_context& task_;
};

// A cancel that is meant for the running task ends it; any other is an end like all ends.
void end_if_cancelled(const std::exception_ptr& error) {
  const task_context& task = this_task("supervise");
  if (task.cancel_state == cancel_reason::none) return;
  if (error) std::rethrow_exception(error);
  throw_cancelled(task);
}

task<> pause_in(cancel_scope* pauses, duration span) {
  std::optional<stay_in> there;
  if (pauses != nullptr) there.emplace(*pauses);
  co_await sleep(span);
}

}  // namespace

task<> keep_running(restart_policy policy, std::unique_ptr<repeated_call> call,
                    cancel_scope* pauses) {
  restarts ends(policy);
  for (;;) {
    std::exception_ptr error;
    try {
      ends.begin();
      co_await call->run(ends);
    } catch (...) {
      error = std::current_exception();
    }
    end_if_cancelled(error);
    const bool over = pauses != nullptr && pauses->cancelled();
    const std::optional<duration> pause = over ? std::nullopt : ends.end(error);
    if (!pause && error) std::rethrow_exception(error);
    if (!pause) co_return;
    co_await pause_in(pauses, *pause);
  }
}

}  // namespace detail
}  // namespace cetane
