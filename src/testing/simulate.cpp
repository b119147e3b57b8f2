// The Catch2 side of a simulation: which seeds are run, and when a test counts as failed.
#include <cetane/testing/simulate.hpp>

#include <testing/environment.hpp>
#include <testing/failure_report.hpp>

#include <cetane/testing/world.hpp>

#include <fmt/format.h>

#include <catch2/catch_message.hpp>
#include <catch2/internal/catch_test_failure_exception.hpp>
#include <catch2/reporters/catch_reporter_event_listener.hpp>
#include <catch2/reporters/catch_reporter_registrars.hpp>

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>

namespace cetane::testing {
namespace {

class failure_listener : public Catch::EventListenerBase {
 public:
  using Catch::EventListenerBase::EventListenerBase;

  void assertionEnded(const Catch::AssertionStats& stats) override {
    if (!stats.assertionResult.isOk()) run_watch::assertion_failed();
  }
};

// The one that the user wants to see again, if any.
std::optional<std::uint64_t> wanted_seed() try {
  return number_of("CETANE_SEED");
} catch (const std::invalid_argument& e) {
  throw std::invalid_argument(std::string(e.what()) + "; unset it to try all seeds");
}

// False if an assertion has failed that did not end the run.
bool holds_for(std::uint64_t seed, const std::function<task<>(world&)>& body) {
  INFO("seed " << seed);
  const run_watch watch;
  world w(seed);
  try {
    w.run(body);
  } catch (const Catch::TestSkipException&) {
    throw;
  } catch (...) {
    tell_failure(w, watch, how_to_repeat(seed));
    throw;
  }
  if (!watch.failed()) return true;
  tell_failure(w, watch, how_to_repeat(seed));
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

CATCH_REGISTER_LISTENER(cetane::testing::failure_listener)
