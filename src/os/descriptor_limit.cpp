#include "os/descriptor_limit.hpp"

#include <sys/resource.h>

namespace cetane::os {

std::size_t raise_descriptor_limit() noexcept {
  constexpr std::size_t what_every_system_has = 1024;
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) < 0) return what_every_system_has;
  const rlimit raised{limit.rlim_max, limit.rlim_max};
  if (::setrlimit(RLIMIT_NOFILE, &raised) == 0) return raised.rlim_cur;
  return limit.rlim_cur;
}

}  // namespace cetane::os
