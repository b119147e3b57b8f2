// Which loop this thread is in.
#pragma once

#include <cetane/runtime/event_loop.hpp>

#include <utility>

namespace cetane::detail {

// Makes a loop that of this thread as long as it lives.
class current_loop {
 public:
  explicit current_loop(event_loop& loop) noexcept : outer_(std::exchange(loop_of_thread, &loop)) {}
  current_loop(const current_loop&) = delete;
  current_loop& operator=(const current_loop&) = delete;
  ~current_loop() { loop_of_thread = outer_; }

 private:
  event_loop* outer_;
};

}  // namespace cetane::detail
