// says: a join_handle is given by its name: auto h = spawn(f, x); co_await first(h, ...)
#include <cetane/conc/first.hpp>
#include <cetane/conc/sleep.hpp>
#include <cetane/conc/spawn.hpp>

cetane::task<> work() { co_return; }

cetane::task<> choose() {
#ifdef MISTAKE
  co_await cetane::first(cetane::spawn(work), cetane::sleep(1));
#else
  auto working = cetane::spawn(work);
  co_await cetane::first(working, cetane::sleep(1));
#endif
}
