// The parts of the chat example: room, and chat(), which serves it.
#pragma once

#include <cetane/cetane.hpp>

#include <algorithm>
#include <mutex>
#include <vector>

// g++ doubts a coroutine of a header whose frame has a type without a name outside: no other file
// has this one.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wsubobject-linkage"
#endif
#define main main_of_the_example
namespace chat_example {
#include "../../examples/chat.cpp"
}
#undef main
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif
