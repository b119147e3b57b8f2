// says: this cannot be awaited; give the call itself: a task, a read, sleep(1s), ...
#include <cetane/conc/sleep.hpp>
#include <cetane/conc/timeout.hpp>

#include <chrono>

cetane::task<> waits() {
#ifdef MISTAKE
  co_await cetane::with_timeout(std::chrono::seconds(1), 5);
#else
  co_await cetane::with_timeout(std::chrono::seconds(1), cetane::sleep(5));
#endif
}
