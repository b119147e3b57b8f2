// says: spawn takes the coroutine and its arguments, spawn(f, x), not a task that is made already
#include <cetane/conc/spawn.hpp>

cetane::task<> work(int) { co_return; }

void starts() {
#ifdef MISTAKE
  cetane::spawn(work(1));
#else
  cetane::spawn(work, 1);
#endif
}
