#pragma once

#include <os/signals.hpp>
#include <runtime/backend.hpp>

#include <cetane/runtime/event_loop.hpp>

#include <functional>
#include <initializer_list>
#include <utility>

namespace cetane::detail {

/// The signals of a program, as calls on the loop's thread. Ignores SIGPIPE as long as it lives.
class signal_source final : public poll_io {
 public:
  signal_source(event_loop& loop, std::initializer_list<int> signals,
                std::function<void(int)> on_signal);
  ~signal_source();

 private:
  void on_ready() noexcept override;

  event_loop& loop_;
  os::signal_watcher watcher_;
  std::function<void(int)> on_signal_;
  os::sigpipe_ignored sigpipe_ignored_;
};

}  // namespace cetane::detail
