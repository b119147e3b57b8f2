// says: frames are aligned for fundamental types only
#include <cetane/coro/task.hpp>

#include <memory>

struct alignas(64) wide {
  int lanes[16];
};

#ifdef MISTAKE
cetane::task<wide> work() { co_return wide(); }
#else
cetane::task<std::unique_ptr<wide>> work() { co_return std::make_unique<wide>(); }
#endif
