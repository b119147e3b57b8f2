#pragma once

#include <string>

namespace cetane::detail {

/// What --version says: version, compiler, backends compiled in, and which of them work here.
std::string version_text();

}  // namespace cetane::detail
