#include <runtime/await_stack.hpp>

#include <cetane/coro/promise.hpp>

namespace cetane::detail {

std::vector<std::coroutine_handle<>> await_stack_of(const task_context& task) {
  std::vector<std::coroutine_handle<>> frames;
  std::coroutine_handle<> frame = task.leaf;
  while (frame) {
    frames.push_back(frame);
    const awaited_child* const place = promise_base::of(frame).awaited_by;
    frame = place != nullptr ? place->parent : nullptr;
  }
  return frames;
}

}  // namespace cetane::detail
