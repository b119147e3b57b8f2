#pragma once

#include <cstddef>

/// The operations themselves, on an event loop of their own with the epoll backend. Each is done so
/// often.
namespace micro::ours {

/// Two tasks, each of which lets the other go first.
void yield(std::size_t times);
void spawn_and_join(std::size_t times);
/// An item to another task, and another one back: two of them.
void queue_hops(std::size_t times);
/// With 1,000 others live.
void arm_and_cancel(std::size_t times);
/// Two tasks that want one lock, and yield while they hold it.
void lock_hand_overs(std::size_t times);

}  // namespace micro::ours
