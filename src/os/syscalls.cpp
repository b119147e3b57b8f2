#include "os/syscalls.hpp"

#include <cstdlib>
#include <string_view>

namespace cetane::os {
namespace {

bool libc_is_asked_for() {
  const char* choice = std::getenv("CETANE_SYSCALLS");
  return choice != nullptr && std::string_view(choice) == "libc";
}

}  // namespace

const bool syscalls_through_libc = libc_is_asked_for();

}  // namespace cetane::os
