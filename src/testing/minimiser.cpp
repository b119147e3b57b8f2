#include <testing/minimiser.hpp>

#include <testing/environment.hpp>
#include <testing/in_seconds.hpp>
#include <testing/rerun.hpp>

#include <cetane/testing/fault_filter.hpp>
#include <cetane/testing/world.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>
#include <vector>

namespace cetane::testing {
namespace {

constexpr std::uint64_t usual_runs = 50;
constexpr std::chrono::seconds most_time{10};
constexpr int halvings = 6;

class search {
 public:
  search(std::uint64_t seed, const failure_kind& kind, const std::function<task<>(world&)>& body,
         std::uint64_t most_runs)
      : seed_(seed), kind_(kind), body_(body), runs_left_(most_runs) {}

  /// Whether it fails in the same way with these faults only; false when there is no run left.
  bool fails(const fault_filter& with) {
    if (runs_left_ == 0 || std::chrono::steady_clock::now() > end_) return false;
    --runs_left_;
    ++runs_;
    return rerun(seed_, with, body_) == kind_;
  }

  std::uint64_t runs() const noexcept { return runs_; }

 private:
  std::uint64_t seed_;
  const failure_kind& kind_;
  const std::function<task<>(world&)>& body_;
  std::uint64_t runs_left_;
  std::uint64_t runs_ = 0;
  std::chrono::steady_clock::time_point end_ = std::chrono::steady_clock::now() + most_time;
};

std::vector<fault_kind> fewest_kinds(search& by, std::vector<fault_kind> kinds) {
  for (std::size_t i = 0; i < kinds.size();) {
    std::vector<fault_kind> fewer = kinds;
    fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(i));
    if (by.fails(fault_filter().only(fewer))) {
      kinds = std::move(fewer);
    } else {
      ++i;
    }
  }
  return kinds;
}

struct span {
  duration begin = duration::zero();
  duration end = duration::zero();
};

// To the millisecond, so that it can be read.
duration middle(duration a, duration b) {
  return std::chrono::floor<std::chrono::milliseconds>(a + (b - a) / 2);
}

span shortest_span(search& by, const std::vector<fault_kind>& kinds, duration failed_at) {
  const auto fails = [&](duration begin, duration end) {
    return by.fails(fault_filter().only(kinds).between(begin, end));
  };
  span found{duration::zero(), std::chrono::ceil<std::chrono::milliseconds>(failed_at) +
                                   std::chrono::milliseconds(1)};
  if (!fails(found.begin, found.end)) return {duration::zero(), duration::max()};
  duration too_early = duration::zero();
  for (int i = 0; i < halvings; ++i) {
    const duration end = middle(too_early, found.end);
    if (end <= too_early) break;
    (fails(found.begin, end) ? found.end : too_early) = end;
  }
  duration too_late = found.end;
  for (int i = 0; i < halvings; ++i) {
    const duration begin = middle(found.begin, too_late);
    if (begin <= found.begin) break;
    (fails(begin, found.end) ? found.begin : too_late) = begin;
  }
  return found;
}

std::string in_words(const std::vector<fault_kind>& kinds) {
  std::string text;
  for (const fault_kind kind : kinds) {
    text += fmt::format("{}{}", text.empty() ? "" : ", ", name_of(kind));
  }
  return text;
}

}  // namespace

std::string minimised(world& failed_in, const failure_kind& kind,
                      const std::function<task<>(world&)>& body) {
  const std::vector<fault_kind> told = failed_in.faults_told();
  const std::uint64_t most_runs = number_of("CETANE_MINIMISE").value_or(usual_runs);
  if (told.empty() || most_runs == 0) return {};

  search by(failed_in.seed(), kind, body, most_runs);
  if (!by.fails(fault_filter())) {
    return "which faults it takes cannot be told: run once more, this seed did not fail in the "
           "same way, so that the test depends on something outside of its world\n";
  }
  if (by.fails(fault_filter().only({}))) return "it fails in the same way without any fault\n";

  const std::vector<fault_kind> kinds = fewest_kinds(by, told);
  const span when = shortest_span(by, kinds, failed_in.elapsed());
  fault_filter smallest = fault_filter().only(kinds);
  std::string text = fmt::format("it still fails with: {} only", in_words(kinds));
  if (when.end != duration::max()) {
    smallest.between(when.begin, when.end);
    text += fmt::format(", between {} s and {} s", in_seconds(when.begin), in_seconds(when.end));
  }
  return text + fmt::format(" (found in {} runs); to repeat that: {}\n", by.runs(),
                            command_line(failed_in.seed(), smallest.to_string()));
}

}  // namespace cetane::testing
