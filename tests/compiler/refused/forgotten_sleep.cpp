// says: a sleep does nothing until it is awaited
#include <cetane/conc/sleep.hpp>
#include <cetane/coro/task.hpp>

cetane::task<> forgets() {
#ifdef MISTAKE
  cetane::sleep(1);
#else
  co_await cetane::sleep(1);
#endif
  co_return;
}
