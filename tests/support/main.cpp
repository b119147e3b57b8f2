// The main function of every test program.
//
// Meson reads an exit status of 77 as "skipped" and 99 as "error", while Catch2 ends with the
// number of failed assertions, or with 4 when every case was skipped: four failures and "all
// skipped" would look alike, and 77 failures would look skipped. So the status is taken from the
// counts instead.

#include "invariants.hpp"

#include <catch2/catch_session.hpp>
#include <catch2/reporters/catch_reporter_event_listener.hpp>
#include <catch2/reporters/catch_reporter_registrars.hpp>

namespace {

constexpr int status_failed = 1;
constexpr int status_skipped = 77;

Catch::Totals counted;

class totals_listener : public Catch::EventListenerBase {
 public:
  using Catch::EventListenerBase::EventListenerBase;

  void testRunEnded(const Catch::TestRunStats& stats) override { counted = stats.totals; }
};

int exit_status(int catch_status) {
  const auto& cases = counted.testCases;
  if (cases.failed > 0 || counted.assertions.failed > 0) return status_failed;
  if (cetane::test::cases_with_broken_promises() > 0) return status_failed;
  if (cases.total() > 0 && cases.skipped == cases.total()) return status_skipped;
  return catch_status;  // 0, or what Catch2 says of its command line: 2 when no case matched
}

}  // namespace

CATCH_REGISTER_LISTENER(totals_listener)

int main(int argc, char** argv) { return exit_status(Catch::Session().run(argc, argv)); }
