#pragma once

#include <cstddef>

/// The least that a program can do for the same: bare coroutine handles in a ring, nothing that can
/// be cancelled, no clock, no kernel. What cetane's operations are held against.
namespace micro::floor {

void yield(std::size_t times);
void spawn_and_join(std::size_t times);
void queue_hops(std::size_t times);
void arm_and_cancel(std::size_t times);
void lock_hand_overs(std::size_t times);

}  // namespace micro::floor
