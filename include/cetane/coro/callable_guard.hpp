// What a compiler's faults forbid inside a co_await expression. tests/compiler holds the table of
// them.
#pragma once

#include <cetane/base/config.hpp>

#include <type_traits>

namespace cetane::detail {

/// g++ 12 destroys the captures of a lambda twice when the lambda is a temporary inside a co_await
/// expression.
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ < 13
inline constexpr bool destroys_temporaries_twice = true;
#else
inline constexpr bool destroys_temporaries_twice = false;
#endif

/// Whether a callable that was given as `Fn&&` may stand inside a co_await expression as it is
/// written there.
///
/// A named one may, and so may one whose captures need no destructor: references, numbers,
/// pointers.
template <class Fn>
concept safe_in_await = !destroys_temporaries_twice || std::is_lvalue_reference_v<Fn> ||
                        std::is_trivially_destructible_v<std::remove_cvref_t<Fn>>;

/// Stands first in every function of the library that takes a callable as `Fn&&` and returns an
/// awaitable.
template <class Fn>
constexpr void guard_callable() noexcept {
  static_assert(safe_in_await<Fn>,
                "g++ 12 destroys the captures of this lambda twice, because it is written inside a "
                "co_await expression: give it a name before (auto body = [...] ...;), or capture "
                "by reference");
}

}  // namespace cetane::detail
