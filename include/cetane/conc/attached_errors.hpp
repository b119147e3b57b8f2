#pragma once

#include <cetane/base/config.hpp>

#include <exception>
#include <vector>

namespace cetane {

namespace detail {

/// Attaches errors to one that is about to be thrown on this thread. Without memory nothing is
/// attached.
CETANE_API void attach_errors(const std::exception_ptr& to,
                              std::vector<std::exception_ptr> others) noexcept;

}  // namespace detail

/// Gives the errors that came after the one which is being handled: those of the other tasks of a
/// group, or of a finally()'s clean-up.
///
/// with_group() and its like throw the first error as it was thrown, so that it is caught by its
/// own type; what failed in its wake can be asked for here, in the catch block. Each of them has
/// been logged as well. A thread remembers the last eight errors that others are attached to,
/// and 64 of those.
[[nodiscard]] CETANE_API std::vector<std::exception_ptr> attached_errors(
    const std::exception_ptr& to = std::current_exception());

}  // namespace cetane
