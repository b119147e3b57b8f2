#pragma once

#include <cstddef>

namespace cetane::os {

/// Raises the number of descriptors that the process may have open as far as it may by itself, and
/// returns it.
///
/// A descriptor above 1023 does not fit into select(2)'s sets.
std::size_t raise_descriptor_limit() noexcept;

}  // namespace cetane::os
