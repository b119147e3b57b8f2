// says: a yield does nothing until it is awaited
#include <cetane/conc/sleep.hpp>
#include <cetane/coro/task.hpp>

cetane::task<> forgets() {
#ifdef MISTAKE
  cetane::yield();
#else
  co_await cetane::yield();
#endif
  co_return;
}
