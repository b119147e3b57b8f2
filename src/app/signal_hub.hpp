#pragma once

#include <os/signals.hpp>
#include <runtime/backend.hpp>

#include <cetane/app/signal_set.hpp>
#include <cetane/base/intrusive_list.hpp>
#include <cetane/runtime/event_loop.hpp>

#include <cstdint>
#include <map>
#include <memory>

namespace cetane::detail {

/// Reads the signals of all sets of one loop, each once, and tells every set that wants it.
class signal_hub {
 public:
  explicit signal_hub(event_loop& loop) noexcept : loop_(loop) {}

  /// That of this thread's loop.
  static std::shared_ptr<signal_hub> of(event_loop& loop);

  void add(signal_set& set, std::uint64_t wanted);
  void remove(signal_set& set, std::uint64_t wanted) noexcept;

 private:
  class channel final : public poll_io {
   public:
    channel(signal_hub& hub, int number);
    ~channel();

    unsigned sets = 0;

   private:
    void on_ready() noexcept override;

    signal_hub& hub_;
    int number_;
    os::signal_watcher watcher_;
  };

  void release(int number) noexcept;

  event_loop& loop_;
  std::map<int, channel> channels_;
  intrusive_list<signal_set> sets_;
};

}  // namespace cetane::detail
