/// Waiting for descriptors by hand: select, poll and epoll under their own names, safe and with
/// <chrono>. For programs that have such a loop already; cetane's own services need none of it.
#pragma once

#include <cetane/polling/epoll.hpp>
#include <cetane/polling/events.hpp>
#include <cetane/polling/poll.hpp>
#include <cetane/polling/select.hpp>
