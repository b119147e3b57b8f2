// says: fn must be a coroutine that returns cetane::task<...>
#include <cetane/conc/spawn.hpp>

#ifdef MISTAKE
int work(int n) { return n; }
#else
cetane::task<int> work(int n) { co_return n; }
#endif

void starts() { cetane::spawn(work, 1); }
