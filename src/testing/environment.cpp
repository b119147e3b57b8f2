#include <testing/environment.hpp>

#include <fmt/format.h>

#include <charconv>
#include <cstdlib>
#include <stdexcept>
#include <string_view>

namespace cetane::testing {

std::optional<std::uint64_t> number_of(const char* variable) {
  const char* const value = std::getenv(variable);
  if (value == nullptr) return std::nullopt;
  const std::string_view text = value;
  std::uint64_t number = 0;
  const auto [stop, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failure != std::errc() || stop != text.data() + text.size()) {
    throw std::invalid_argument(
        fmt::format("{} is \"{}\", which is no whole number", variable, text));
  }
  return number;
}

}  // namespace cetane::testing
