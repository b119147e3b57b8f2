#pragma once

#include <cetane/base/clock.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// What users write as the values of options. Empty: it cannot be read.
namespace cetane::detail {

/// Reads a whole number: "12", "-5".
[[nodiscard]] std::optional<std::int64_t> parse_number(std::string_view text);

/// Reads "5", "0.5", "5s", "500ms" or "2 min"; a bare number is in
/// seconds.
[[nodiscard]] std::optional<duration> parse_span(std::string_view text);

/// Writes a span as parse_span() reads it, without a space: "5s", "1.5s", "2min".
[[nodiscard]] std::string span_text(duration span);

/// Reads "1", "yes", "true", "on" and their opposites.
[[nodiscard]] std::optional<bool> parse_flag(std::string_view text);

/// How many letters must be added, left out or exchanged to make one of the other.
[[nodiscard]] std::size_t letters_apart(std::string_view one, std::string_view other);

}  // namespace cetane::detail
