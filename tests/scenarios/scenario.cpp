// Plays scenarios, and tells at the end what each came to.
#include <scenarios/scenario.hpp>

#include <scenarios/tally.hpp>
#include <support/make_test_backend.hpp>

#include <cetane/base/log.hpp>

#include <fmt/format.h>

#include <catch2/reporters/catch_reporter_event_listener.hpp>
#include <catch2/reporters/catch_reporter_registrars.hpp>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <list>

namespace cetane::test {
namespace {

constexpr std::uint64_t usual_seeds = 100;
constexpr std::uint64_t seeds_with_a_median = 50;
constexpr std::uint64_t least_operations = 200;
constexpr std::uint64_t least_faults = 3;

std::list<scenario_tally> tallies;

bool one_seed_is_wanted() { return std::getenv("CETANE_SEED") != nullptr; }

class teller : public Catch::EventListenerBase {
 public:
  using Catch::EventListenerBase::EventListenerBase;

  // What scenarios do to their handlers would fill the log; who looks at one seed wants to see it.
  void testRunStarting(const Catch::TestRunInfo&) override {
    if (!one_seed_is_wanted()) log::set_level(log::level::off);
  }

  void testRunEnded(const Catch::TestRunStats&) override {
    for (const scenario_tally& each : tallies) fmt::print("{}\n", each.line());
  }
};

double processor_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

// Everybody has left when it has nothing open any more: what happens after that is none of the
// scenario's.
task<> wait_for_the_last(testing::world& w) {
  while (w.open_connections() > 0) co_await sleep(std::chrono::milliseconds(1));
}

}  // namespace

void play(std::string_view name, const std::function<task<>(testing::world&)>& body) {
  scenario_tally& tally = tallies.emplace_back(name);
  const double begin = processor_seconds();
  const std::uint64_t seeds = seed_count(usual_seeds);
  testing::simulate(seeds, [&](testing::world& w) -> task<> {
    co_await body(w);
    co_await wait_for_the_last(w);
    tally.add({w.io_operations(), w.faults_met(), w.trace_hash()});
  });
  tally.took(processor_seconds() - begin);
  if (seeds < seeds_with_a_median || one_seed_is_wanted()) return;
  CHECK(tally.median_operations() >= least_operations);
  CHECK(tally.median_faults() >= least_faults);
}

}  // namespace cetane::test

CATCH_REGISTER_LISTENER(cetane::test::teller)
