#pragma once

#include <cetane/app/option.hpp>

#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cetane::detail {

/// Exit statuses of a program that does not start.
inline constexpr int status_usage = 2;    // the command line cannot be understood
inline constexpr int status_refused = 3;  // it can, but what it asks for cannot be done

/// What a user wants of a program: its options, from the command line, else from the environment,
/// else as the program says.
///
/// Options are added one by one, until the program runs: only then it is known which words of the
/// command line nobody wants.
class command_line {
 public:
  enum class sources { none, environment, all };

  explicit command_line(sources from = sources::none);
  command_line(int argc, const char* const* argv);

  /// Adds an option and looks up its value. The reference stays good.
  ///
  /// @param metavar  What stands for the value in the help text; empty for a flag.
  /// @throws std::invalid_argument  There is such an option, or the name is none.
  option& add(std::string name, std::string metavar, std::string help, option_value value);

  /// Whether the command line has `--NAME`, which takes no value and no variable: --help and
  /// --version.
  bool has_word(std::string_view dashed_name);

  /// Notes what is wrong, unless something is already.
  void complain(const option& about, std::string_view what, int status = status_usage);
  void complain(std::string text, int status) {
    if (!fault_) fault_ = fault{std::move(text), status};
  }

  struct fault {
    std::string text;
    int status;
  };
  /// The first thing that is wrong with a value, or else a word that is no option.
  [[nodiscard]] std::optional<fault> first_fault() const;

  /// Whether the option stands on the command line itself.
  static bool is_typed(const option& asked) noexcept {
    return asked.from_ == option::source::command_line;
  }

  /// An option without a text is not in the help text.
  void set_help(std::string_view name, std::string text);
  [[nodiscard]] bool has_option(std::string_view name) const noexcept;
  [[nodiscard]] bool has_words() const noexcept { return from_ != sources::environment; }
  [[nodiscard]] bool has_sources() const noexcept { return from_ != sources::none; }
  [[nodiscard]] const std::string& program() const noexcept { return program_; }
  [[nodiscard]] std::string usage() const;
  [[nodiscard]] std::string help() const;

 private:
  struct word {
    std::string text;
    bool known;
  };

  bool find_words(option& wanted);
  bool find_variable(option& wanted);
  void read(option& into, std::string_view text, option::source from);
  [[nodiscard]] std::string nearest_option(std::string_view typed) const;

  sources from_;
  std::string program_;
  std::vector<word> words_;
  std::deque<option> options_;  // users hold references
  std::optional<fault> fault_;
};

}  // namespace cetane::detail
