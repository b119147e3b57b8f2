#pragma once

#include <cstdint>
#include <optional>

namespace cetane::testing {

/// The whole number that a variable of the environment has, or none if it is not set. Throws
/// std::invalid_argument for anything else.
std::optional<std::uint64_t> number_of(const char* variable);

}  // namespace cetane::testing
