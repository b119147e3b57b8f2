#pragma once

#include <cetane/net/read_op.hpp>

#include <cstddef>
#include <string_view>

namespace cetane::detail {

/// Where the first `mark` ends that ends behind `from`, or npos. The caller has searched `input` up
/// to `from` before.
std::size_t find_mark(std::string_view input, std::string_view mark, std::size_t from) noexcept;

/// Looks whether the message is complete, or too long, in what has arrived; says whether the reader
/// need not wait any more. `taken` holds the end of the message if it is complete, else how far the
/// search has come.
bool look_for_end(read_request& request, std::string_view input) noexcept;

}  // namespace cetane::detail
