// The Catch2 side of a simulation: which seeds are run, and when a test counts as failed.
#include <cetane/testing/simulate.hpp>

#include <testing/environment.hpp>
#include <testing/failure_report.hpp>
#include <testing/minimiser.hpp>

#include <cetane/testing/fault_filter.hpp>
#include <cetane/testing/world.hpp>

#include <fmt/format.h>

#include <catch2/catch_message.hpp>
#include <catch2/internal/catch_test_failure_exception.hpp>
#include <catch2/reporters/catch_reporter_event_listener.hpp>
#include <catch2/reporters/catch_reporter_registrars.hpp>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <stdexcept>
#include <string>

namespace cetane::testing {
namespace {

class failure_listener : public Catch::EventListenerBase {
 public:
  using Catch::EventListenerBase::EventListenerBase;

  void assertionEnded(const Catch::AssertionStats& stats) override {
    if (stats.assertionResult.isOk()) return;
    const Catch::SourceLineInfo place = stats.assertionResult.getSourceInfo();
    run_watch::assertion_failed(place.file, place.line);
  }
};

// The one that the user wants to see again, if any.
std::optional<std::uint64_t> wanted_seed() try {
  return number_of("CETANE_SEED");
} catch (const std::invalid_argument& e) {
  throw std::invalid_argument(std::string(e.what()) + "; unset it to try all seeds");
}

// The faults that the user wants to see alone, if any.
std::optional<fault_filter> wanted_faults() {
  const char* const text = std::getenv("CETANE_FAULTS");
  if (text == nullptr) return std::nullopt;
  return fault_filter::parse(text);
}

class one_seed {
 public:
  one_seed(std::uint64_t seed, const std::function<task<>(world&)>& body)
      : seed_(seed), body_(body), faults_(wanted_faults()), world_(seed) {
    watch_.look_at(world_);
    if (faults_) world_.filter_faults(*faults_);
  }

  /// False if an assertion has failed that did not end the run.
  bool holds() {
    INFO("seed " << seed_);
    try {
      world_.run(body_);
    } catch (const Catch::TestSkipException&) {
      throw;
    } catch (...) {
      tell(watch_.kind_of_current_exception());
      throw;
    }
    if (watch_.failed()) tell(watch_.kind());
    return !watch_.failed();
  }

 private:
  void tell(const failure_kind& kind) {
    tell_failure(world_, watch_, how_to_repeat(seed_));
    if (!faults_) fmt::print(stderr, "{}", minimised(world_, kind, body_));
  }

  std::uint64_t seed_;
  const std::function<task<>(world&)>& body_;
  std::optional<fault_filter> faults_;
  world world_;
  run_watch watch_;
};

}  // namespace

void simulate(std::size_t seeds, const std::function<task<>(world&)>& body) {
  if (const std::optional<std::uint64_t> only = wanted_seed()) {
    one_seed(*only, body).holds();
    return;
  }
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    if (!one_seed(seed, body).holds()) return;
  }
}

}  // namespace cetane::testing

CATCH_REGISTER_LISTENER(cetane::testing::failure_listener)
