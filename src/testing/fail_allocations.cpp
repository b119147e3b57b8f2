#include <cetane/testing/fail_allocations.hpp>

#include <testing/bystanders.hpp>
#include <testing/environment.hpp>
#include <testing/failure_report.hpp>
#include <testing/nothing_left.hpp>

#include <cetane/base/log.hpp>
#include <cetane/base/scope_exit.hpp>
#include <cetane/testing/world.hpp>

#include <fmt/format.h>

#include <catch2/catch_message.hpp>
#include <catch2/catch_test_macros.hpp>

#include <cstdio>
#include <exception>
#include <string>

namespace cetane::testing {
namespace {

constexpr std::uint64_t most_allocations = 20'000;

// Until it goes, the log is silent.
class silence {
 public:
  silence() { log::set_level(log::level::off); }
  silence(const silence&) = delete;
  silence& operator=(const silence&) = delete;
  ~silence() { log::set_level(before_); }

 private:
  log::level before_ = log::detail::unnamed.threshold.load();
};

// The one that fails now, for whoever reads of the end of the program.
std::uint64_t failing = 0;
std::terminate_handler usual_end = nullptr;

[[noreturn]] void tell_end() {
  std::fprintf(stderr, "allocation %llu of the scenario failed, and that ends the program:\n",
               static_cast<unsigned long long>(failing));
  if (usual_end != nullptr) usual_end();
  std::abort();
}

class told_end {
 public:
  told_end() { usual_end = std::set_terminate(tell_end); }
  told_end(const told_end&) = delete;
  told_end& operator=(const told_end&) = delete;
  ~told_end() { std::set_terminate(usual_end); }
};

std::string headline(std::uint64_t seed, std::uint64_t number) {
  return how_to_repeat(seed) +
         (number == 0 ? std::string("no allocation had failed\n")
                      : fmt::format("allocation {} of the scenario had failed\n", number));
}

}  // namespace

std::uint64_t fail_allocations(const std::function<task<>(world&)>& scenario) {
  const std::uint64_t seed = number_of("CETANE_SEED").value_or(1);
  const silence log;
  const told_end end;
  for (std::uint64_t number = 0; number <= most_allocations; ++number) {
    INFO("seed " << seed << ", allocation " << number << " failed");
    failing = number;
    world w(seed);
    run_watch watch;
    watch.look_at(w);
    std::uint64_t seen = 0;
    try {
      {
        bystanders others(w);
        w.leave_out_what_is_there();
        seen = w.run_without_memory(scenario, number);
        others.check();
      }
      w.others_tasks_ = 0;
      w.others_connections_ = 0;
      w.wait_for_the_rest();
      check_nothing_left(w);
    } catch (...) {
      tell_failure(w, watch, headline(seed, number));
      throw;
    }
    if (watch.failed()) {
      tell_failure(w, watch, headline(seed, number));
      return seen;
    }
    if (number > 0 && seen < number) return seen;
  }
  throw unfinished(fmt::format("the scenario makes more than {} allocations; make it shorter",
                               most_allocations));
}

}  // namespace cetane::testing
