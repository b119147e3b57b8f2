#include <app/command_line.hpp>
#include <app/option_text.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <cstdlib>
#include <initializer_list>
#include <stdexcept>
#include <string>
#include <vector>

namespace command_line_test {

using namespace cetane;
using Catch::Matchers::ContainsSubstring;
using detail::command_line;
using namespace std::chrono_literals;

namespace {

command_line typed(std::initializer_list<const char*> words) {
  std::vector<const char*> all{"/usr/bin/chat"};
  all.insert(all.end(), words);
  return command_line(static_cast<int>(all.size()), all.data());
}

// A variable of the environment while it lives.
class variable {
 public:
  variable(const char* name, const char* value) : name_(name) { ::setenv(name, value, 1); }
  variable(const variable&) = delete;
  variable& operator=(const variable&) = delete;
  ~variable() { ::unsetenv(name_); }

 private:
  const char* name_;
};

option& add_text(command_line& line, const char* name) {
  return line.add(name, "TEXT", "", std::string("default"));
}
option& add_number(command_line& line, const char* name) {
  return line.add(name, "NUMBER", "", std::int64_t{7});
}
option& add_span(command_line& line, const char* name) {
  return line.add(name, "TIME", "", duration(7s));
}
option& add_flag(command_line& line, const char* name) { return line.add(name, "", "", false); }

std::string fault_of(const command_line& line) {
  const auto fault = line.first_fault();
  return fault ? fault->text : "";
}

}  // namespace

TEST_CASE("an option that nobody gives has its default", "[app][options]") {
  command_line line = typed({});
  const option& motd = add_text(line, "motd");

  REQUIRE(motd.text() == "default");
  REQUIRE_FALSE(motd.given());
  REQUIRE(fault_of(line).empty());
}

TEST_CASE("a value stands behind its option, or behind an equals sign", "[app][options]") {
  command_line line = typed({"--motd", "hello there", "--most=12", "--pause=", "--verbose"});

  REQUIRE(add_text(line, "motd").text() == "hello there");
  REQUIRE(add_number(line, "most").number() == 12);
  REQUIRE(add_flag(line, "verbose").is_set());
  REQUIRE(fault_of(line).find("--pause") != std::string::npos);
}

TEST_CASE("a value may be empty, negative or look like an option behind an equals sign",
          "[app][options]") {
  command_line line = typed({"--motd=", "--most", "-5", "--title=--most"});

  REQUIRE(add_text(line, "motd").text().empty());
  REQUIRE(add_text(line, "title").text() == "--most");
  REQUIRE(add_number(line, "most").number() == -5);
  REQUIRE(fault_of(line).empty());
}

TEST_CASE("the last of two counts", "[app][options]") {
  command_line line = typed({"--most", "1", "--most=2"});

  REQUIRE(add_number(line, "most").number() == 2);
  REQUIRE(fault_of(line).empty());
}

TEST_CASE("the command line goes before the environment, and that before the program",
          "[app][options]") {
  const variable first("CETANE_MOTD", "from the environment");
  const variable second("CETANE_MOST_GUESTS", "3");
  command_line line = typed({"--motd", "typed"});

  const option& motd = add_text(line, "motd");
  const option& most = add_number(line, "most-guests");
  REQUIRE(motd.text() == "typed");
  REQUIRE(command_line::is_typed(motd));
  REQUIRE(most.number() == 3);
  REQUIRE(most.given());
  REQUIRE_FALSE(command_line::is_typed(most));
}

TEST_CASE("an empty variable is one that is not set", "[app][options]") {
  const variable empty("CETANE_MOST", "");
  command_line line = typed({});

  REQUIRE_FALSE(add_number(line, "most").given());
  REQUIRE(fault_of(line).empty());
}

TEST_CASE("a flag in the environment says yes or no", "[app][options]") {
  const variable yes("CETANE_VERBOSE", "yes");
  const variable no("CETANE_QUIET", "0");
  const variable odd("CETANE_LOUD", "perhaps");
  command_line line = typed({});

  REQUIRE(add_flag(line, "verbose").is_set());
  REQUIRE_FALSE(add_flag(line, "quiet").is_set());
  REQUIRE_FALSE(add_flag(line, "loud").is_set());
  REQUIRE(fault_of(line) == "CETANE_LOUD: \"perhaps\" is neither yes nor no");
}

TEST_CASE("a program without options looks at nothing", "[app][options]") {
  const variable set("CETANE_MOTD", "from the environment");
  command_line line;

  REQUIRE(add_text(line, "motd").text() == "default");
  REQUIRE(fault_of(line).empty());
}

TEST_CASE("what cannot be read is named, and the default stays", "[app][options]") {
  command_line line = typed({"--most", "12 or so\n"});
  const option& most = add_number(line, "most");

  REQUIRE(most.number() == 7);
  const auto fault = line.first_fault();
  REQUIRE(fault.has_value());
  REQUIRE(fault->status == 2);
  REQUIRE(fault->text == "--most: \"12 or so\\n\" is no number");
}

TEST_CASE("an option without its value is named", "[app][options]") {
  command_line end = typed({"--motd"});
  command_line middle = typed({"--motd", "--most", "5"});
  add_text(end, "motd");
  add_text(middle, "motd");

  REQUIRE(fault_of(end) == "--motd: a value is missing behind it");
  REQUIRE(fault_of(middle) == "--motd: a value is missing behind it");
  REQUIRE(add_number(middle, "most").number() == 5);
}

TEST_CASE("a word that no option wants is named", "[app][options]") {
  command_line option_like = typed({"--prot", "8013"});
  command_line word = typed({"8013\x1b"});
  command_line beginning = typed({"--portal", "1"});
  for (command_line* line : {&option_like, &word, &beginning}) add_number(*line, "port");

  REQUIRE(fault_of(option_like) == "unknown option --prot; did you mean --port?");
  REQUIRE(fault_of(word) == "unexpected argument \"8013\\x1b\"");
  REQUIRE_THAT(fault_of(beginning), ContainsSubstring("unknown option --portal"));
}

TEST_CASE("an option far from all others is not guessed at", "[app][options]") {
  command_line line = typed({"--colour"});
  add_number(line, "port");

  REQUIRE(fault_of(line) == "unknown option --colour");
}

TEST_CASE("what is misunderstood goes before what is refused", "[app][options]") {
  command_line line = typed({"--workers", "9", "--prot"});
  const option& workers = add_number(line, "workers");
  line.complain(workers, "too many", 3);

  REQUIRE(line.first_fault()->status == 2);
}

TEST_CASE("a name is an option's once, and is a plain word", "[app][options]") {
  command_line line = typed({});
  add_text(line, "motd");

  REQUIRE_THROWS_AS(add_number(line, "motd"), std::invalid_argument);
  REQUIRE_THROWS_AS(add_number(line, "--most"), std::invalid_argument);
  REQUIRE_THROWS_AS(add_number(line, "Most"), std::invalid_argument);
  REQUIRE_THROWS_AS(add_number(line, ""), std::invalid_argument);
}

TEST_CASE("an option gives what its default is, and nothing else", "[app][options]") {
  command_line line = typed({});
  const option& pause = add_span(line, "pause");

  REQUIRE(pause.span() == 7s);
  REQUIRE_THROWS_AS(pause.number(), std::logic_error);
  REQUIRE_THROWS_AS(pause.text(), std::logic_error);
}

TEST_CASE("a time is in seconds unless it says otherwise", "[app][options]") {
  REQUIRE(detail::parse_span("5") == 5s);
  REQUIRE(detail::parse_span("0.25") == 250ms);
  REQUIRE(detail::parse_span("5s") == 5s);
  REQUIRE(detail::parse_span("1500ms") == 1500ms);
  REQUIRE(detail::parse_span("2 min") == 2min);
  REQUIRE(detail::parse_span("0") == 0s);
  for (const char* none : {"", "s", "-1", "5h", "five", "nan", "5s5"}) {
    CAPTURE(none);
    REQUIRE_FALSE(detail::parse_span(none).has_value());
  }
}

TEST_CASE("the help text has a row for each option", "[app][options]") {
  command_line line = typed({});
  line.add("motd", "TEXT", "the first line", std::string());
  line.add("most", "N", "how many", std::int64_t{1});
  line.set_help("most", "how many (1)");

  const std::string help = line.help();
  REQUIRE_THAT(help, ContainsSubstring("usage: chat [OPTION]...\n"));
  REQUIRE_THAT(help,
               ContainsSubstring("  --motd TEXT  the first line\n  --most N     how many (1)\n"));
  REQUIRE_THAT(help, ContainsSubstring("--help") && ContainsSubstring("--version"));
}

}  // namespace command_line_test
