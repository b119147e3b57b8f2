#pragma once

#include <support/test_loop.hpp>

#include <cetane/conc/sleep.hpp>
#include <cetane/conc/spawn.hpp>
#include <cetane/runtime/event_loop.hpp>

#include <string>

namespace cetane::test {

/// Runs whatever is ready, and what becomes so, until every task waits.
inline void run_ready(event_loop& loop) {
  for (;;) {
    const auto before = loop.stats().resumes;
    loop.run_once(time_point::min());
    if (loop.stats().resumes == before) return;
  }
}

/// What the tasks of a test note, in their order.
using notes = std::string;

/// Awaits `op` and notes `name`, in capitals when it was cancelled.
template <class Op>
task<> note_after(notes& in, char name, Op op) {
  try {
    (void)co_await std::move(op);
    in += name;
  } catch (const cancelled&) {
    in += static_cast<char>(name - 'a' + 'A');
    throw;
  }
}

}  // namespace cetane::test
