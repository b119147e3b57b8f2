#pragma once

#include <cetane/base/config.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace cetane {

/// Copies `text` without the ASCII white space at its two ends.
///
/// A copy, so that `trim(co_await peer.until_eol())` may be kept: a view would outlive the line it
/// looks into.
[[nodiscard]] CETANE_API std::string trim(std::string_view text);

/// Makes text that a peer controls safe to stand inside a log line or an error message.
///
/// Printable ASCII and well-formed UTF-8 stay. Line ends, control characters (C1 and the ones that
/// turn the direction of writing included), bytes that are no UTF-8, quotes and backslashes become
/// what they are in a C++ string: backslash n, r, t, quote, backslash, or x and two digits.
///
/// @param most  How many bytes of `text` are shown; a note says how many were left out.
[[nodiscard]] CETANE_API std::string escape(std::string_view text, std::size_t most = 200);

/// Like escape(), but whole, and quotes and backslashes stay: for a finished line that quotes
/// already.
[[nodiscard]] CETANE_API std::string printable(std::string_view text);

}  // namespace cetane
