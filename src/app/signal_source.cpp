#include <app/signal_source.hpp>

#include <cetane/base/errors.hpp>

namespace cetane::detail {

signal_source::signal_source(event_loop& loop, std::initializer_list<int> signals,
                             std::function<void(int)> on_signal)
    : loop_(loop), watcher_(signals), on_signal_(std::move(on_signal)) {
  descriptor = watcher_.fd();
  if (const int failed = loop_.io().watch(*this); failed < 0)
    throw error("watch signals", system_code(failed));
}

signal_source::~signal_source() { loop_.io().unwatch(*this); }

void signal_source::on_ready() noexcept {
  while (const int number = watcher_.next()) on_signal_(number);
}

}  // namespace cetane::detail
