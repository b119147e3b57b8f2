#include <app/command_line.hpp>

#include <app/option_text.hpp>

#include <cetane/base/text.hpp>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>

namespace cetane {

void option::throw_other_kind(const char* kind) const {
  throw std::logic_error(
      fmt::format("the option --{} is not {}: its default value says what it is", name_, kind));
}

namespace detail {
namespace {

bool is_name_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; }

std::string variable_name(std::string_view option_name) {
  std::string name = "CETANE_";
  for (const char c : option_name) {
    name += c == '-' ? '_' : (c >= 'a' && c <= 'z') ? static_cast<char>(c - 'a' + 'A') : c;
  }
  return name;
}

}  // namespace

command_line::command_line(sources from) : from_(from), program_(program_invocation_short_name) {}

command_line::command_line(int argc, const char* const* argv) : command_line(sources::all) {
  if (argc > 0) {
    program_ = argv[0];
    program_.erase(0, program_.rfind('/') + 1);
  }
  for (int i = 1; i < argc; ++i) words_.push_back({argv[i], false});
}

option& command_line::add(std::string name, std::string metavar, std::string help,
                          option_value value) {
  if (name.empty() || name[0] == '-' || !std::all_of(name.begin(), name.end(), is_name_letter)) {
    throw std::invalid_argument(fmt::format(
        "\"{}\" cannot name an option: take small letters, digits and '-', without \"--\" in front",
        name));
  }
  if (has_option(name))
    throw std::invalid_argument(fmt::format("there is an option --{} already", name));
  options_.push_back(
      option(std::move(name), std::move(metavar), std::move(help), std::move(value)));
  option& added = options_.back();
  if (from_ == sources::none) return added;
  if (from_ == sources::all && find_words(added)) return added;
  find_variable(added);
  return added;
}

bool command_line::has_option(std::string_view name) const noexcept {
  return std::any_of(options_.begin(), options_.end(),
                     [&](const option& each) { return each.name_ == name; });
}

void command_line::set_help(std::string_view name, std::string text) {
  for (option& each : options_) {
    if (each.name_ == name) each.help_ = std::move(text);
  }
}

bool command_line::has_word(std::string_view dashed_name) {
  bool found = false;
  for (word& each : words_) {
    if (each.text == dashed_name) found = each.known = true;
  }
  return found;
}

// The last one counts, so that an alias or a script can be overruled.
bool command_line::find_words(option& wanted) {
  const std::string dashed = "--" + wanted.name_;
  bool found = false;
  for (std::size_t i = 0; i < words_.size(); ++i) {
    if (words_[i].known || !words_[i].text.starts_with(dashed)) continue;
    const std::string_view behind = std::string_view(words_[i].text).substr(dashed.size());
    if (!behind.empty() && behind[0] != '=') continue;
    words_[i].known = true;
    found = true;
    if (!behind.empty()) {
      read(wanted, behind.substr(1), option::source::command_line);
    } else if (std::holds_alternative<bool>(wanted.value_)) {
      read(wanted, "yes", option::source::command_line);
    } else if (i + 1 < words_.size() && !words_[i + 1].known &&
               !words_[i + 1].text.starts_with("--")) {
      words_[i + 1].known = true;
      read(wanted, words_[i + 1].text, option::source::command_line);
    } else {
      wanted.from_ = option::source::command_line;
      complain(wanted, "a value is missing behind it");
    }
  }
  return found;
}

// An empty variable is one that is not set: a script cannot always take one out of its environment.
bool command_line::find_variable(option& wanted) {
  const char* const text = std::getenv(variable_name(wanted.name_).c_str());
  if (text == nullptr || *text == '\0') return false;
  read(wanted, text, option::source::environment);
  return true;
}

void command_line::read(option& into, std::string_view text, option::source from) {
  into.from_ = from;
  const std::string shown = "\"" + escape(text) + "\"";
  if (std::holds_alternative<std::string>(into.value_)) {
    into.value_ = std::string(text);
  } else if (std::holds_alternative<std::int64_t>(into.value_)) {
    if (const auto number = parse_number(text)) return void(into.value_ = *number);
    complain(into, shown + " is no number");
  } else if (std::holds_alternative<duration>(into.value_)) {
    if (const auto span = parse_span(text)) return void(into.value_ = *span);
    complain(into, shown + " is no time; write 5s, 500ms or 2min");
  } else {
    if (const auto flag = parse_flag(text)) return void(into.value_ = *flag);
    complain(into, shown + " is neither yes nor no");
  }
}

void command_line::complain(const option& about, std::string_view what, int status) {
  const bool variable = about.from_ == option::source::environment;
  complain(fmt::format("{}: {}", variable ? variable_name(about.name_) : "--" + about.name_, what),
           status);
}

std::optional<command_line::fault> command_line::first_fault() const {
  if (fault_ && fault_->status == status_usage) return fault_;
  for (const word& each : words_) {
    if (each.known) continue;
    const std::string shown = escape(each.text);
    if (!each.text.starts_with("-"))
      return fault{"unexpected argument \"" + shown + "\"", status_usage};
    const std::string nearest = nearest_option(each.text);
    return fault{
        "unknown option " + shown + (nearest.empty() ? "" : "; did you mean " + nearest + "?"),
        status_usage};
  }
  return fault_;
}

std::string command_line::nearest_option(std::string_view typed) const {
  constexpr std::size_t most_slips = 2;
  const std::string_view name = typed.substr(0, typed.find('='));
  std::string nearest;
  std::size_t least = most_slips + 1;
  for (const option& each : options_) {
    const std::string candidate = "--" + each.name_;
    const std::size_t slips = letters_apart(name, candidate);
    if (slips < least) {
      least = slips;
      nearest = candidate;
    }
  }
  return nearest;
}

std::string command_line::usage() const {
  return fmt::format("usage: {} [OPTION]...; {} --help lists the options", program_, program_);
}

std::string command_line::help() const {
  std::vector<std::pair<std::string, std::string>> rows;
  for (const option& each : options_) {
    const std::string space = each.metavar_.empty() ? "" : " ";
    if (each.help_.empty()) continue;
    rows.emplace_back("--" + each.name_ + space + each.metavar_, each.help_);
  }
  rows.emplace_back("--help", "show this text");
  rows.emplace_back("--version", "show the version, the compiler and the backends");

  std::size_t width = 0;
  for (const auto& row : rows) width = std::max(width, row.first.size());
  std::string text = fmt::format("usage: {} [OPTION]...\n\n", program_);
  for (const auto& [left, right] : rows) text += fmt::format("  {:<{}}  {}\n", left, width, right);
  return text +
         "\nAn option may also come from the environment: --log-level from CETANE_LOG_LEVEL.\n";
}

}  // namespace detail
}  // namespace cetane
