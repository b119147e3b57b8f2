#pragma once

#include <cetane/base/errors.hpp>
#include <cetane/base/text.hpp>

#include <charconv>
#include <optional>
#include <string_view>
#include <system_error>

#include <fmt/format.h>

/// Variables of the environment by which who starts a program gives it something.
namespace cetane::os {

/// A whole number that is not negative, and nothing else.
template <class Number>
std::optional<Number> read_number(std::string_view text) noexcept {
  Number number = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, failed] = std::from_chars(text.data(), end, number);
  if (failed != std::errc() || rest != end || number < 0) return std::nullopt;
  return number;
}

/// Says what is wrong with a variable, and who has set it: `setter`.
inline error not_understood(std::string_view variable, std::string_view text, std::string_view what,
                            std::string_view setter) {
  return error(error::whole_text(fmt::format("{}: \"{}\" {}; it is set by {}", variable,
                                             escape(text), what, setter)),
               std::make_error_code(std::errc::invalid_argument));
}

}  // namespace cetane::os
