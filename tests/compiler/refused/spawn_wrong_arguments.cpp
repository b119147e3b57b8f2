// says: fn cannot be called with these arguments
#include <cetane/conc/spawn.hpp>

#include <string>

cetane::task<> work(int, std::string) { co_return; }

void starts() {
#ifdef MISTAKE
  cetane::spawn(work, "one");
#else
  cetane::spawn(work, 1, "one");
#endif
}
