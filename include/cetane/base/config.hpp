// What the compiler must be, and which names leave the shared library.
#pragma once

#if defined(__clang__)
#if __clang_major__ < 16
#error \
    "cetane needs clang 16 or newer (older ones compile its coroutines wrongly); on Debian 12: clang-19"
#endif
#elif defined(__GNUC__)
#if __GNUC__ < 12 || (__GNUC__ == 12 && __GNUC_MINOR__ < 2)
#error "cetane needs GCC 12.2 or newer (older ones compile its coroutines wrongly)"
#endif
#else
#error "cetane is written for GCC 12.2 or newer and for clang 16 or newer"
#endif

#if __cplusplus < 202002L
#error "cetane needs C++20: compile with -std=c++20, or in Meson with cpp_std=c++20"
#endif

/// Marks what users may link against; all else is hidden in the shared library.
///
/// Belongs on every public class and function that is defined in a .cpp file, and on every
/// exception type: a hidden one thrown by the library is not recognised by a catch clause of the
/// program. Templates and inline functions need no mark.
#define CETANE_API [[gnu::visibility("default")]]
