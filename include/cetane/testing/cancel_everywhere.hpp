#pragma once

#include <cetane/base/config.hpp>
#include <cetane/coro/task.hpp>

#include <cstddef>
#include <functional>

namespace cetane::testing {

class world;

/// Plays `scenario` again and again, each time in a new world of the same seed, and cancels it a
/// moment later each time: from before its beginning to after its end, at each of its waits.
///
/// For the inside of a Catch2 test. Wherever it was cut short, nothing may be left of it: no task,
/// connection, timer or descriptor, 15 virtual seconds later. What it throws fails the test, unless
/// that is the cancellation; what was complete when the cancel came may be delivered. A failure
/// says at which moment, and where the scenario waited then.
///
/// Only the scenario's own task is cancelled, and with it what it has in groups; services and tasks
/// that it has spawned end as they do when it fails. The seed is 1, or CETANE_SEED.
/// @return How many moments there were.
/// @throws unfinished        Something was left, or the scenario has not ended after 3,000 moments.
/// @throws simulation_stuck  Nothing can ever wake it.
CETANE_API std::size_t cancel_everywhere(const std::function<task<>(world&)>& scenario);

}  // namespace cetane::testing
