#include <app/version_text.hpp>

#include <cetane/backend/make_backend.hpp>
#include <cetane/base/version.hpp>

#include <fmt/format.h>

namespace cetane::detail {
namespace {

std::string compiler_text() {
#if defined(__clang__)
  return fmt::format("clang {}.{}.{}", __clang_major__, __clang_minor__, __clang_patchlevel__);
#else
  return fmt::format("g++ {}.{}.{}", __GNUC__, __GNUC_MINOR__, __GNUC_PATCHLEVEL__);
#endif
}

}  // namespace

std::string version_text() {
  std::string compiled_in;
  std::string usable;
  for (const backend_facts& each : look_at_backends()) {
    compiled_in += fmt::format(" {}", each.name);
    usable += each.trouble.empty() ? fmt::format(" {}", each.name)
                                   : fmt::format(" (not {}: {})", each.name, each.trouble);
  }
  return fmt::format("cetane {}\ncompiler: {}\nbackends compiled in:{}\nusable here:{}\n",
                     to_string(library_version()), compiler_text(), compiled_in, usable);
}

}  // namespace cetane::detail
