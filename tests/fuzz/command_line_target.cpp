// The command line and the environment, against a reader that goes through the words once.
#include <fuzz/fuzz.hpp>

#include <app/command_line.hpp>
#include <app/option_text.hpp>
#include <app/standard_options.hpp>
#include <fuzz/environment.hpp>

#include <cetane/base/log.hpp>

#include <map>
#include <vector>

namespace cetane::fuzz::command_line_target {

using detail::command_line;
using detail::option_value;
using detail::status_refused;
using detail::status_usage;

// What is on the command line and in the environment: the lines of the input, those with a "$" in
// front being variables.
struct given {
  explicit given(input in) {
    while (!in.empty() && words.size() < 40) {
      std::string line(in.line());
      while (line.find('\0') != std::string::npos) line.erase(line.find('\0'), 1);
      const std::size_t equals = line.find('=');
      if (line.starts_with('$') && equals != std::string::npos) {
        variables["CETANE_" + line.substr(1, equals - 1)] = line.substr(equals + 1);
      } else {
        words.push_back(std::move(line));
      }
    }
  }

  std::vector<std::string> words;
  std::map<std::string, std::string> variables;
};

const std::map<std::string, option_value> options{
    {"text", std::string("usual")},
    {"count", std::int64_t{7}},
    {"time-out", duration(std::chrono::seconds(3))},
    {"loud", false},
};

std::optional<option_value> value_of(const option_value& kind, const std::string& text) {
  if (std::holds_alternative<std::string>(kind)) return text;
  if (std::holds_alternative<std::int64_t>(kind)) return detail::parse_number(text);
  if (std::holds_alternative<duration>(kind)) return detail::parse_span(text);
  return detail::parse_flag(text);
}

// One pass over the words, then the variables of those that no word has named.
class plain_reader {
 public:
  explicit plain_reader(const given& from) : values(options) {
    for (std::size_t i = 0; i < from.words.size(); ++i) {
      const std::string& word = from.words[i];
      const std::size_t equals = word.find('=');
      const std::string name = word.starts_with("--") ? word.substr(2, equals - 2) : "";
      if (options.count(name) == 0) {
        faulty = true;
      } else if (equals != std::string::npos) {
        take(name, word.substr(equals + 1));
      } else if (name == "loud") {
        take(name, "yes");
      } else if (i + 1 < from.words.size() && !from.words[i + 1].starts_with("--")) {
        take(name, from.words[++i]);
      } else {
        named[name] = faulty = true;
      }
    }
    look_at(from.variables, "CETANE_TEXT", "text");
    look_at(from.variables, "CETANE_COUNT", "count");
    look_at(from.variables, "CETANE_TIME_OUT", "time-out");
    look_at(from.variables, "CETANE_LOUD", "loud");
  }

  std::map<std::string, option_value> values;
  std::map<std::string, bool> named;
  bool faulty = false;

 private:
  void take(const std::string& name, const std::string& text) {
    named[name] = true;
    if (const auto value = value_of(options.at(name), text)) {
      values[name] = *value;
    } else {
      faulty = true;
    }
  }

  void look_at(const std::map<std::string, std::string>& variables, const char* variable,
               const std::string& name) {
    const auto found = variables.find(variable);
    if (named[name] || found == variables.end() || found->second.empty()) return;
    take(name, found->second);
  }
};

// The words as a program gets them.
class argument_list {
 public:
  explicit argument_list(const std::vector<std::string>& words) {
    pointers_.push_back("/usr/bin/program");
    for (const std::string& word : words) pointers_.push_back(word.c_str());
  }
  command_line line() const { return {static_cast<int>(pointers_.size()), pointers_.data()}; }

 private:
  std::vector<const char*> pointers_;
};

void check_fault(const command_line& line) {
  const auto fault = line.first_fault();
  if (!fault) return;
  require(is_harmless(fault->text), "what is said of a bad command line is harmless");
  require(fault->text.size() < 2000, "and is not long");
  require(fault->status == status_usage || fault->status == status_refused, "and has its status");
}

void check_own_options(const given& from) {
  const argument_list arguments(from.words);
  command_line line = arguments.line();
  std::map<std::string, const option*> added;
  for (const auto& [name, value] : options) added[name] = &line.add(name, "X", "help", value);
  plain_reader plain(from);

  require_equal(line.first_fault().has_value(), plain.faulty, "a fault is found if there is one");
  check_fault(line);
  for (const auto& [name, at] : added)
    require_equal(at->given(), plain.named[name], "an option is given if somebody names it");
  require_equal(added["text"]->text(), std::get<std::string>(plain.values["text"]), "a text");
  require_equal(added["count"]->number(), std::get<std::int64_t>(plain.values["count"]),
                "a number");
  require(added["time-out"]->span() == std::get<duration>(plain.values["time-out"]), "a time");
  require_equal(added["loud"]->is_set(), std::get<bool>(plain.values["loud"]), "a flag");
  require_equal(line.program(), "program", "a program is called by its last name");
}

void check_standard_options(const given& from) {
  const argument_list arguments(from.words);
  command_line line = arguments.line();
  const detail::standard_options chosen(line);
  log::set_level(log::level::info);
  check_fault(line);
  require(!(chosen.port && chosen.uds) || line.first_fault().has_value() ||
              from.variables.count("CETANE_PORT") != 0 || from.variables.count("CETANE_UDS") != 0,
          "a port and a path exclude each other");
  require(chosen.drain.value_or(duration::zero()) >= duration::zero(), "no time is negative");
}

const target here("command_line", [](input in) {
  const given from(in);
  environment around;
  for (const auto& [name, value] : from.variables) around.set(name, value);
  check_own_options(from);
  check_standard_options(from);
});

}  // namespace cetane::fuzz::command_line_target
