// The parts of the room example: room, and chat(), which serves it.
#pragma once

#include <cetane/cetane.hpp>

#include <set>

// g++ doubts a coroutine of a header whose frame has a lambda: no other file has this one.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wsubobject-linkage"
#endif
namespace room_example {
#include "../../examples/room.cpp"
}
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

using room_example::chat;
using room_example::room;
