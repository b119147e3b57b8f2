// thread(): from a task to the offload pool and back.
//
// The call is an object of its own, since it may outlive the task. The loop gets it back as a
// message, on which the mailbox has no limit: there are no more of them than tasks that wait.
// `call_`, `caller_` and `answered_` are the loop thread's; the pool's threads see nothing of the
// waiting task but its loop, and that under the pool's mutex.
#include <cetane/conc/thread.hpp>

#include <conc/offload_pool.hpp>
#include <runtime/backend.hpp>
#include <runtime/io_blocks.hpp>

#include <cetane/runtime/this_task.hpp>

#include <stdexcept>
#include <utility>

namespace cetane::detail {

// The thread that posted the answer may still be about to wake the loop, which this task's end may
// destroy.
void offloaded_call::deliver() {
  pool_->let_go();
  if (caller_ == nullptr) return;
  offload_caller& caller = *caller_;
  hand_over(caller);
  caller.loop_->io().end_call(*std::exchange(caller.call_, nullptr));
  caller.on_answer();
}

void offload_caller::begin(event_loop& loop, std::unique_ptr<offloaded_call> call) {
  // A chunk in the call must not read from the loop's memory.
  if (loop.blocks().borrower != nullptr) loop.blocks().reclaim();
  offloaded_call& under_way = *call;
  under_way.loop_ = &loop;
  under_way.caller_ = this;
  loop.io().begin_call(loop, under_way);
  try {
    offload_pool::of_process().submit(std::move(call));
  } catch (...) {
    loop.io().end_call(under_way);
    throw;
  }
  loop_ = &loop;
  call_ = &under_way;
}

void offload_caller::give_up() noexcept {
  if (call_ == nullptr) return;
  offloaded_call& call = *std::exchange(call_, nullptr);
  call.pool_->withdraw(call);
  loop_->io().end_call(call);
}

bool offload_caller::give_up_unless_begun() noexcept {
  if (call_ == nullptr || !call_->pool_->withdraw_unless_begun(*call_)) return false;
  loop_->io().end_call(*std::exchange(call_, nullptr));
  return true;
}

void offload_wait::begin(std::unique_ptr<offloaded_call> call) {
  if (call == nullptr) {
    throw std::logic_error("a call of thread() is awaited twice; make it again for another run");
  }
  offload_caller::begin(loop_of(task()), std::move(call));
}

void offload_wait::on_answer() noexcept {
  answered_ = true;
  wake();
}

std::string offload_wait::describe_wait() const { return "a call on the offload pool"; }

}  // namespace cetane::detail
