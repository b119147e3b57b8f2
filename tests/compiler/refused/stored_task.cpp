// says: a task is awaited where it is made, co_await f(x)
#include <cetane/coro/task.hpp>

#include <string>

cetane::task<> work(const std::string&) { co_return; }

cetane::task<> awaits_later() {
#ifdef MISTAKE
  auto later = work("gone by then");
  co_await later;
#else
  co_await work("still there");
#endif
}
