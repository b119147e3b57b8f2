// says: first(ops...) takes operations
#include <cetane/conc/first.hpp>
#include <cetane/coro/task.hpp>
#include <cetane/sync/barrier.hpp>
#include <cetane/sync/event.hpp>

cetane::task<> meets(cetane::barrier& at, cetane::event& other) {
#ifdef MISTAKE
  co_await cetane::first(at.arrive_and_wait(), other.wait());
#else
  co_await at.arrive_and_wait();
  co_await cetane::first(other.wait());
#endif
}
