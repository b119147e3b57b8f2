// says: first(ops...) needs one operation at least
#include <cetane/conc/first.hpp>
#include <cetane/conc/sleep.hpp>
#include <cetane/coro/task.hpp>

cetane::task<> choose() {
#ifdef MISTAKE
  co_await cetane::first();
#else
  co_await cetane::first(cetane::sleep(1));
#endif
}
