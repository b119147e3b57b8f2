// says: fn is called again and again, so it must be callable with references to the arguments
#include <cetane/conc/supervise.hpp>

#include <memory>

cetane::task<> consumes(std::unique_ptr<int>) { co_return; }
cetane::task<> looks(const std::unique_ptr<int>&) { co_return; }

void starts() {
#ifdef MISTAKE
  cetane::supervise(cetane::restart_policy(), consumes, std::make_unique<int>(1));
#else
  cetane::supervise(cetane::restart_policy(), looks, std::make_unique<int>(1));
#endif
}
