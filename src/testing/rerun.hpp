#pragma once

#include <testing/failure_report.hpp>

#include <cetane/coro/task.hpp>
#include <cetane/testing/fault_filter.hpp>

#include <cstdint>
#include <functional>

namespace cetane::testing {

class world;

/// Runs a seed once more, in a child process that says nothing, and gives the way in which it
/// failed; empty if it did not.
failure_kind rerun(std::uint64_t seed, const fault_filter& with,
                   const std::function<task<>(world&)>& body);

}  // namespace cetane::testing
