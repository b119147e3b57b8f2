// says: fn takes a reference, and an argument would have to be converted for it
#include <cetane/conc/spawn.hpp>

#include <functional>

cetane::task<> work(const std::function<int()>& next) {
  (void)next();
  co_return;
}

void starts() {
  const auto next = [] { return 1; };
#ifdef MISTAKE
  cetane::spawn(work, next);
#else
  cetane::spawn(work, std::function<int()>(next));
#endif
}
