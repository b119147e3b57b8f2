// says: name the handle before you await it
// on: g++ 12
#include <cetane/conc/spawn.hpp>

cetane::task<> work() { co_return; }

cetane::task<> joins() {
#ifdef MISTAKE
  co_await cetane::spawn(work);
#else
  auto handle = cetane::spawn(work);
  co_await handle;
#endif
}
