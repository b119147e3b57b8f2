#pragma once

#include <cetane/base/config.hpp>
#include <cetane/coro/task.hpp>

#include <cstddef>
#include <functional>

namespace cetane::testing {

class world;

/// Runs `body` as a task in a simulated world of its own, once for each seed from 1 to `seeds`.
///
/// For the inside of a Catch2 test: `simulate(100, [](world& w) -> task<> { ... });`. Time is
/// virtual, so that an hour's sleep takes none; every handler, client and timer of the run is on
/// one loop. A REQUIRE that fails anywhere in the body, or an exception that it lets go, fails the
/// test; so does a body that
/// - can never end, since nothing can wake what is left;
/// - goes on for longer than world::time_limit() or world::pass_limit() allow;
/// - leaves tasks or connections behind that do not end by themselves;
/// - sees a handler, or another task that nobody awaits, end by an exception.
///
/// The message names the tasks with what they wait for, and the first seed that fails is the last
/// that is tried. Lines on stderr say how to repeat it alone, `CETANE_SEED=17 program 'name of the
/// test'`, what happened on the network last (CETANE_LOG_LINES, 20), who waited for whom, and which
/// faults it takes: for that the seed is run again in silent child processes, at most 50 times
/// (CETANE_MINIMISE, 0 for never). CETANE_FAULTS lets only some faults strike, see fault_filter.
///
/// Not from within a task. The body is called as it is: it may capture by reference what outlives
/// this call.
/// @throws std::invalid_argument  CETANE_SEED is no number, or CETANE_FAULTS says no faults.
CETANE_API void simulate(std::size_t seeds, const std::function<task<>(world&)>& body);

}  // namespace cetane::testing
