// The values of options: numbers, spans, flags, names.
#include <fuzz/fuzz.hpp>

#include <app/option_text.hpp>

#include <cetane/backend/make_backend.hpp>

#include <algorithm>
#include <cmath>

namespace cetane::fuzz::option_text_target {

bool all_digits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

// Digit by digit, in a wider type.
std::optional<std::int64_t> read_number(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  if (!all_digits(text)) return std::nullopt;
  __extension__ using wide = __int128;
  wide value = 0;
  for (const char c : text) {
    value = value * 10 + (c - '0');
    if (value > wide{1} << 64U) return std::nullopt;
  }
  if (negative) value = -value;
  if (value < INT64_MIN || value > INT64_MAX) return std::nullopt;
  return static_cast<std::int64_t>(value);
}

void check_number(std::string_view text) {
  const auto number = detail::parse_number(text);
  require(number == read_number(text), "a number is read digit by digit");
  if (number) require(detail::parse_number(fmt::format("{}", *number)) == number, "and back");
}

// Whole numbers with a unit are exact as far as a double is; everything else is not negative.
void check_span(std::string_view text) {
  using namespace std::chrono_literals;
  const auto span = detail::parse_span(text);
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  if (!span) {
    require(digits == 0 || digits < text.size(), "digits alone are seconds");
    return;
  }
  require(*span >= duration::zero(), "no span is negative");
  if (digits == 0 || digits > 9) return;
  const std::int64_t count = std::stoll(std::string(text.substr(0, digits)));
  const std::string_view unit = text.substr(digits);
  if (unit.empty() || unit == "s") require(*span == std::chrono::seconds(count), "seconds");
  if (unit == "min" && count < 100'000'000) require(*span == std::chrono::minutes(count), "min");
}

// What is written has six digits.
void check_span_text(duration span) {
  const std::string text = detail::span_text(span);
  const auto read = detail::parse_span(text);
  require(read.has_value(), "what is written can be read");
  const double wanted = std::chrono::duration<double>(span).count();
  const double got = std::chrono::duration<double>(*read).count();
  require(std::abs(got - wanted) <= wanted * 1e-5 + 1e-9, "and is nearly the same");
}

void check_distance(std::string_view one, std::string_view other) {
  const std::size_t apart = detail::letters_apart(one, other);
  const std::size_t less = std::min(one.size(), other.size());
  const std::size_t more = std::max(one.size(), other.size());
  require_equal(apart, detail::letters_apart(other, one), "as far from here as from there");
  require_equal(apart == 0, one == other, "no distance is equality");
  require(apart >= more - less && apart <= more, "at least what is missing, at most all");
}

const target here("option_text", [](input in) {
  const auto ticks = static_cast<std::int64_t>(in.number(std::size_t{1} << 62U));
  check_span_text(duration(ticks >> in.number(62)));
  const std::string_view one = in.text(in.number(40));
  const std::string_view other = in.text(40);
  check_distance(one, other);
  check_number(other);
  check_span(other);
  if (const auto flag = detail::parse_flag(other))
    require(detail::parse_flag(*flag ? "yes" : "no") == flag, "a flag is yes or no");
  if (const auto backend = parse_backend(other))
    require_equal(to_string(*backend), other, "a backend is what it is called");
});

}  // namespace cetane::fuzz::option_text_target
