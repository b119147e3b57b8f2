// The Catch2 side of a simulation: which seeds are run, what a report says of the one that failed,
// and when a test counts as failed.
#include <cetane/testing/simulate.hpp>

#include <cetane/testing/world.hpp>

#include <fmt/format.h>

#include <catch2/catch_message.hpp>
#include <catch2/interfaces/catch_interfaces_capture.hpp>
#include <catch2/internal/catch_test_failure_exception.hpp>
#include <catch2/reporters/catch_reporter_event_listener.hpp>
#include <catch2/reporters/catch_reporter_registrars.hpp>

#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

#include <errno.h>

namespace cetane::testing {
namespace {

std::uint64_t failed_assertions = 0;

class failure_counter : public Catch::EventListenerBase {
 public:
  using Catch::EventListenerBase::EventListenerBase;

  void assertionEnded(const Catch::AssertionStats& stats) override {
    if (!stats.assertionResult.isOk()) ++failed_assertions;
  }
};

// The one that the user wants to see again, if any.
std::optional<std::uint64_t> wanted_seed() {
  const char* const value = std::getenv("CETANE_SEED");
  if (value == nullptr) return std::nullopt;
  const std::string_view text = value;
  std::uint64_t seed = 0;
  const auto [stop, failure] = std::from_chars(text.data(), text.data() + text.size(), seed);
  if (failure != std::errc() || stop != text.data() + text.size()) {
    throw std::invalid_argument(fmt::format(
        "CETANE_SEED is \"{}\", which is no whole number; unset it to try all seeds", text));
  }
  return seed;
}

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

// On a line of its own that no reporter breaks.
void say_how_to_repeat(std::uint64_t seed) {
  fmt::print(stderr, "seed {} failed; to repeat it alone: CETANE_SEED={} {} {}\n", seed, seed,
             program_invocation_name, as_test_spec(Catch::getResultCapture().getCurrentTestName()));
}

// False if an assertion has failed that did not end the run.
bool holds_for(std::uint64_t seed, const std::function<task<>(world&)>& body) {
  INFO("seed " << seed);
  const std::uint64_t failed_before = failed_assertions;
  try {
    world(seed).run(body);
  } catch (const Catch::TestSkipException&) {
    throw;
  } catch (...) {
    say_how_to_repeat(seed);
    throw;
  }
  if (failed_assertions == failed_before) return true;
  say_how_to_repeat(seed);
  return false;
}

}  // namespace

void simulate(std::size_t seeds, const std::function<task<>(world&)>& body) {
  if (const std::optional<std::uint64_t> only = wanted_seed()) {
    holds_for(*only, body);
    return;
  }
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    if (!holds_for(seed, body)) return;
  }
}

}  // namespace cetane::testing

CATCH_REGISTER_LISTENER(cetane::testing::failure_counter)
