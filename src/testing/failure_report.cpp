#include <testing/failure_report.hpp>

#include <testing/environment.hpp>

#include <cetane/testing/world.hpp>

#include <fmt/format.h>

#include <catch2/interfaces/catch_interfaces_capture.hpp>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <string_view>
#include <typeinfo>
#include <utility>

#include <errno.h>

namespace cetane::testing {
namespace {

constexpr std::size_t usual_log_lines = 20;
constexpr std::size_t graph_lines = 20;

run_watch* watching = nullptr;

// As a word of the shell that Catch2 takes for the name of one test: these characters have a
// meaning to it elsewhere.
std::string as_test_spec(std::string_view name) {
  std::string spec = "'";
  for (const char c : name) {
    if (c == '\'') {
      spec += "'\\''";
      continue;
    }
    if (c == ',' || c == '[' || c == '"' || c == '\\') spec += '\\';
    spec += c;
  }
  return spec + "'";
}

std::string indented(std::string_view lines) {
  std::string text;
  while (!lines.empty()) {
    const std::size_t end = std::min(lines.find('\n'), lines.size() - 1) + 1;
    text += "  ";
    text += lines.substr(0, end);
    lines.remove_prefix(end);
  }
  if (!text.empty() && text.back() != '\n') text += '\n';
  return text;
}

// What two failures of the same kind have in common: no numbers, and not the tasks that are told.
std::string beginning_of(std::string_view message) {
  constexpr std::size_t compared = 80;
  std::string text(message.substr(0, message.find('\n')).substr(0, compared));
  std::erase_if(text, [](char c) { return c >= '0' && c <= '9'; });
  return text;
}

}  // namespace

run_watch::run_watch() { watching = this; }
run_watch::~run_watch() { watching = nullptr; }

// Without memory for the text there is none.
void run_watch::assertion_failed(const char* file, std::size_t line) noexcept try {
  if (watching == nullptr || std::exchange(watching->failed_, true)) return;
  watching->kind_ = fmt::format("{}:{}", file, line);
  if (watching->world_ != nullptr) watching->graph_ = watching->world_->await_graph(graph_lines);
} catch (const std::exception&) {
}

failure_kind run_watch::kind_of_current_exception() const {
  if (failed_) return kind_;
  try {
    throw;
  } catch (const std::exception& e) {
    return fmt::format("{}: {}", typeid(e).name(), beginning_of(e.what()));
  } catch (...) {
    return "no std::exception";
  }
}

std::string how_to_repeat(std::uint64_t seed) {
  return fmt::format("seed {} failed; to repeat it alone: {}\n", seed, command_line(seed));
}

std::string command_line(std::uint64_t seed, std::string_view faults) {
  const std::string wanted = faults.empty() ? "" : fmt::format("CETANE_FAULTS={} ", faults);
  return fmt::format("CETANE_SEED={} {}{} {}", seed, wanted, program_invocation_name,
                     as_test_spec(Catch::getResultCapture().getCurrentTestName()));
}

void tell_failure(world& w, const run_watch& watch, std::string_view headline) {
  std::string text(headline);
  const std::size_t lines = number_of("CETANE_LOG_LINES").value_or(usual_log_lines);
  const std::string log = lines == 0 ? "" : w.log_tail(lines);
  if (!log.empty()) {
    text += fmt::format("the network's last {} lines (CETANE_LOG_LINES={} shows more):\n{}", lines,
                        lines * 10, indented(log));
  }
  if (!watch.graph().empty()) {
    text += "who waited for whom when it failed:\n" + watch.graph();
  } else if (const std::string graph = w.await_graph(graph_lines); !graph.empty()) {
    text += "who waits for whom:\n" + graph;
  }
  fmt::print(stderr, "{}", text);
}

}  // namespace cetane::testing
