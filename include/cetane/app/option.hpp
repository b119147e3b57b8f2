#pragma once

#include <cetane/base/clock.hpp>
#include <cetane/base/config.hpp>

#include <cstdint>
#include <string>
#include <utility>
#include <variant>

namespace cetane {

namespace detail {
class command_line;
using option_value = std::variant<std::string, std::int64_t, duration, bool>;
}  // namespace detail

/// An option of a program: `--NAME VALUE`, or `CETANE_NAME` in the environment, or else the default
/// that the program gives it.
///
/// application::add_option() makes it and has looked it up by the time it returns. A value that
/// cannot be read leaves the default in its place; run() then tells the user.
class CETANE_API option {
 public:
  [[nodiscard]] const std::string& name() const noexcept { return name_; }

  /// Whether the user has given it.
  [[nodiscard]] bool given() const noexcept { return from_ != source::program; }

  /// The value; which call fits depends on the default: text, a number, a duration, or false for an
  /// option without a value.
  ///
  /// @throws std::logic_error  The default is something else.
  [[nodiscard]] const std::string& text() const { return get<std::string>("text"); }
  [[nodiscard]] std::int64_t number() const { return get<std::int64_t>("a number"); }
  [[nodiscard]] duration span() const { return get<duration>("a duration"); }
  [[nodiscard]] bool is_set() const { return get<bool>("a flag"); }

 private:
  friend detail::command_line;

  enum class source : std::uint8_t { program, environment, command_line };

  option(std::string name, std::string metavar, std::string help, detail::option_value value)
      : name_(std::move(name)),
        metavar_(std::move(metavar)),
        help_(std::move(help)),
        value_(std::move(value)) {}

  template <class T>
  const T& get(const char* kind) const {
    if (const T* value = std::get_if<T>(&value_)) return *value;
    throw_other_kind(kind);
  }
  [[noreturn]] void throw_other_kind(const char* kind) const;

  std::string name_;
  std::string metavar_;  // for the help text
  std::string help_;
  detail::option_value value_;
  source from_ = source::program;
};

}  // namespace cetane
