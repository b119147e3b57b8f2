#pragma once

namespace cetane::testing {

class world;

/// Throws unfinished if timers or simulated descriptors are left of a run that is over.
void check_nothing_left(world& w);

}  // namespace cetane::testing
