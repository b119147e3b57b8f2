// thread(): from a task to the offload pool and back.
//
// The call is an object of its own, since it may outlive the task. The loop gets it back as a
// message, on which the mailbox has no limit: there are no more of them than tasks that wait.
// `call_`, `waiter_` and `answered_` are the loop thread's; the pool's threads see nothing of the
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
  if (waiter_ == nullptr) return;
  hand_over(*waiter_);
  waiter_->answered();
}

void offload_wait::begin(std::unique_ptr<offloaded_call> call) {
  if (call == nullptr) {
    throw std::logic_error("a call of thread() is awaited twice; make it again for another run");
  }
  event_loop& loop = loop_of(task());
  // A chunk in the call must not read from the loop's memory.
  if (loop.blocks().borrower != nullptr) loop.blocks().reclaim();
  offloaded_call& under_way = *call;
  under_way.loop_ = &loop;
  under_way.waiter_ = this;
  loop.io().begin_call(loop, under_way);
  try {
    offload_pool::of_process().submit(std::move(call));
  } catch (...) {
    loop.io().end_call(under_way);
    throw;
  }
  call_ = &under_way;
}

void offload_wait::answered() noexcept {
  answered_ = true;
  loop_of(task()).io().end_call(*std::exchange(call_, nullptr));
  wake();
}

void offload_wait::give_up() noexcept {
  if (call_ == nullptr) return;
  offloaded_call& call = *std::exchange(call_, nullptr);
  call.pool_->withdraw(call);
  loop_of(task()).io().end_call(call);
}

std::string offload_wait::describe_wait() const { return "a call on the offload pool"; }

}  // namespace cetane::detail
