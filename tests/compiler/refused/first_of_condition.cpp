// says: first(ops...) takes operations: reads, sleep(1s), queue.get(), ..., and handles of tasks
#include <cetane/conc/first.hpp>
#include <cetane/conc/sleep.hpp>
#include <cetane/coro/task.hpp>
#include <cetane/sync/condition.hpp>
#include <cetane/sync/event.hpp>

cetane::task<> choose(cetane::mutex& m, cetane::condition& changed, cetane::event& over) {
  auto lock = co_await m.lock();
#ifdef MISTAKE
  co_await cetane::first(changed.wait(lock), cetane::sleep(1));
#else
  co_await changed.wait(lock);
  co_await cetane::first(over.wait(), cetane::sleep(1));
#endif
}
