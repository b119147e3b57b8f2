// says: what is kept for a task is aligned for fundamental types only
#include <cetane/conc/spawn.hpp>
#include <cetane/coro/task.hpp>

#include <memory>
#include <utility>

struct alignas(64) wide {
  int lanes[16];
};

cetane::task<> take(const wide&);
cetane::task<> take_owned(std::unique_ptr<wide>);

cetane::task<> starts() {
#ifdef MISTAKE
  (void)cetane::spawn(take, wide());
#else
  (void)cetane::spawn(take_owned, std::make_unique<wide>());
#endif
  co_return;
}
