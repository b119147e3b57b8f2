#include <cetane/testing/cancel_everywhere.hpp>

#include <testing/environment.hpp>
#include <testing/failure_report.hpp>
#include <testing/nothing_left.hpp>

#include <cetane/testing/world.hpp>

#include <fmt/format.h>

#include <catch2/catch_message.hpp>
#include <catch2/catch_test_macros.hpp>

#include <cstdint>
#include <filesystem>
#include <iterator>
#include <optional>
#include <string>

namespace cetane::testing {
namespace {

constexpr std::size_t most_moments = 3000;

std::size_t descriptors_of_process() {
  const std::filesystem::directory_iterator all("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

std::string headline(std::uint64_t seed, std::size_t moment, const std::string& waited) {
  return how_to_repeat(seed) +
         fmt::format("it was cancelled at moment {}{}\n{}", moment,
                     waited.empty() ? ", before it began" : ", when these waited:", waited);
}

}  // namespace

std::size_t cancel_everywhere(const std::function<task<>(world&)>& scenario) {
  const std::uint64_t seed = number_of("CETANE_SEED").value_or(1);
  std::optional<std::size_t> descriptors;
  for (std::size_t moment = 0; moment < most_moments; ++moment) {
    INFO("seed " << seed << ", cancelled at moment " << moment);
    std::string waited;
    bool cancelled = false;
    {
      world w(seed);
      run_watch watch;
      watch.look_at(w);
      try {
        cancelled = w.run_cut_short(scenario, moment, waited);
        check_nothing_left(w);
      } catch (...) {
        tell_failure(w, watch, headline(seed, moment, waited));
        throw;
      }
      if (watch.failed()) {
        tell_failure(w, watch, headline(seed, moment, waited));
        return moment;
      }
    }
    // What is there for the whole process was made when the scenario was first played.
    if (!descriptors) descriptors = descriptors_of_process();
    if (descriptors_of_process() > *descriptors) {
      throw unfinished("the scenario was cut short and left a descriptor of the process open");
    }
    if (!cancelled) return moment;
  }
  throw unfinished(
      fmt::format("the scenario has not ended after {} moments; make it shorter", most_moments));
}

}  // namespace cetane::testing
