// says: a task does nothing until it is awaited or spawned
#include <cetane/coro/task.hpp>

cetane::task<> work() { co_return; }

cetane::task<> forgets() {
#ifdef MISTAKE
  work();
#else
  co_await work();
#endif
  co_return;
}
