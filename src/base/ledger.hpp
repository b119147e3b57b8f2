#pragma once

#include <cetane/base/config.hpp>

#include <atomic>
#include <cstdint>

namespace cetane::detail {

/// What has come and not gone again in the whole process, so that a test can look whether anything
/// was lost. Counted in builds with assertions only; else all of it stays zero. Where the
/// library has them and the program has not, or the other way round, the counts mean nothing.
struct ledger {
  std::atomic<std::int64_t> frames{0};  // coroutine frames and task records
  std::atomic<std::int64_t> messages{
      0};  // put into queues, neither taken nor left there at the end

  CETANE_API static ledger& of_process() noexcept;
};

inline void count([[maybe_unused]] std::atomic<std::int64_t> ledger::*which,
                  [[maybe_unused]] std::int64_t difference) noexcept {
#ifndef NDEBUG
  (ledger::of_process().*which).fetch_add(difference, std::memory_order_relaxed);
#endif
}

}  // namespace cetane::detail
