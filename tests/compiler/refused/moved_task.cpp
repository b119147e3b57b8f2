// says: it is awaited where it is made, or spawned
#include <cetane/coro/task.hpp>

#include <utility>

cetane::task<> work() { co_return; }

void keeps() {
  cetane::task<> one = work();
#ifdef MISTAKE
  cetane::task<> other = std::move(one);
  (void)other;
#endif
  (void)one;
}
