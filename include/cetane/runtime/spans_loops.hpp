#pragma once

#include <cetane/base/config.hpp>

#include <atomic>
#include <chrono>
#include <concepts>
#include <functional>
#include <memory>
#include <string>
#include <type_traits>

namespace cetane {

/// Whether tasks on several event loops, and so on several threads, may use one T at a time.
///
/// Plain objects belong to one loop. What spans loops says so, by `static constexpr bool
/// spans_loops = true;` in its class, and then keeps its own order, with a mutex for example. For a
/// class that is not yours: `template <> inline constexpr bool cetane::spans_loops<theirs> = true;`
template <class T>
inline constexpr bool spans_loops = std::is_const_v<T>;

template <class T>
requires requires {
  { T::spans_loops } -> std::convertible_to<bool>;
}
inline constexpr bool spans_loops<T> = T::spans_loops;

template <class T>
inline constexpr bool spans_loops<std::atomic<T>> = true;

namespace detail {

/// Whether what is kept for a function may be copied for another loop: values that refer to
/// nothing, and references to what spans loops.
template <class T>
inline constexpr bool crosses_loops = std::is_arithmetic_v<T> || std::is_enum_v<T> ||
                                      ((std::is_empty_v<T> ||
                                        spans_loops<T>)&&std::is_copy_constructible_v<T>);
template <class T>
inline constexpr bool crosses_loops<T*> = std::is_function_v<T> || spans_loops<T>;
template <class T>
inline constexpr bool crosses_loops<std::reference_wrapper<T>> =
    std::is_function_v<T> || spans_loops<T>;
template <class T>
inline constexpr bool crosses_loops<std::shared_ptr<T>> = spans_loops<T>;
template <class Rep, class Period>
inline constexpr bool crosses_loops<std::chrono::duration<Rep, Period>> = true;
template <class Clock, class Span>
inline constexpr bool crosses_loops<std::chrono::time_point<Clock, Span>> = true;
template <>
inline constexpr bool crosses_loops<std::string> = true;

}  // namespace detail
}  // namespace cetane
