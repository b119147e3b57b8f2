#include <cetane/net/security.hpp>

namespace cetane::detail {

// The key function: its type information lives once, in the library.
security::~security() = default;

}  // namespace cetane::detail
