#pragma once

#include <testing/failure_report.hpp>

#include <cetane/base/clock.hpp>
#include <cetane/coro/task.hpp>

#include <cstdint>
#include <functional>
#include <string>

namespace cetane::testing {

class world;

/// Finds out which faults it takes for a seed to fail as it did: runs it again without one kind
/// after the other, and then within a shorter and shorter time.
///
/// Each of these runs is a forked child that says nothing: so no assertion of it counts, nothing is
/// changed that the body refers to, and one that crashes or hangs is only another way to fail. At
/// most 50 runs, and none any more after 10 s; CETANE_MINIMISE=N sets their number, 0 switches it
/// off.
/// @param failed_in  The world that has failed; what its faults_are() was told is looked through.
/// @return What is to be told of it: a line or two, or nothing.
std::string minimised(world& failed_in, const failure_kind& kind,
                      const std::function<task<>(world&)>& body);

}  // namespace cetane::testing
