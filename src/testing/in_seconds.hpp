#pragma once

#include <cetane/base/clock.hpp>

#include <chrono>

namespace cetane::testing {

/// For a report.
inline double in_seconds(duration span) { return std::chrono::duration<double>(span).count(); }

}  // namespace cetane::testing
