// Measures what the smallest operations cost, each in turn with the least that a program could do
// for the same, so that a machine whose speed drifts gives an honest ratio.
//
//   micro                     one line of JSON: nanoseconds, ratios, allocations
//   micro ours|floor ID N     does one of them N times and says nothing, for a tool that counts
#include "floor.hpp"
#include "operations.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

// Every allocation of the program comes through here.
static std::size_t allocations = 0;

extern "C" void* __libc_malloc(std::size_t bytes);
extern "C" void* malloc(std::size_t bytes) {
  ++allocations;
  return __libc_malloc(bytes);
}

namespace {

struct operation {
  std::string_view id;
  void (*floor)(std::size_t times);
  void (*ours)(std::size_t times);
};

constexpr operation operations[] = {
    {"C1", micro::floor::yield, micro::ours::yield},
    {"C2", micro::floor::spawn_and_join, micro::ours::spawn_and_join},
    {"C3", micro::floor::queue_hops, micro::ours::queue_hops},
    {"C4", micro::floor::arm_and_cancel, micro::ours::arm_and_cancel},
    {"C5", micro::floor::lock_hand_overs, micro::ours::lock_hand_overs},
};

constexpr std::size_t times = 20'000;  // short enough to fall between two interruptions
constexpr int pairs = 201;

double nanoseconds(void (*work)(std::size_t)) {
  const auto begin = std::chrono::steady_clock::now();
  work(times);
  const std::chrono::duration<double, std::nano> spent = std::chrono::steady_clock::now() - begin;
  return spent.count() / times;
}

double quantile(std::vector<double> values, double where) {
  std::sort(values.begin(), values.end());
  return values[static_cast<std::size_t>(where * static_cast<double>(values.size() - 1))];
}

std::string measure(const operation& what) {
  what.floor(times);
  what.ours(times);  // from here on all is warm
  const std::size_t before = allocations;
  what.ours(times);
  const std::size_t allocated = allocations - before;

  std::vector<double> floor, ours, ratios;
  for (int i = 0; i < pairs; ++i) {
    floor.push_back(nanoseconds(what.floor));
    ours.push_back(nanoseconds(what.ours));
    ratios.push_back(ours.back() / floor.back());
  }
  return fmt::format(
      "\"{}\": {{\"floor_ns\": {:.2f}, \"ns\": {:.2f}, \"ratio\": {:.3f}, \"quartiles\": [{:.3f}, "
      "{:.3f}], \"allocations\": {}, \"times\": {}}}",
      what.id, quantile(floor, 0.5), quantile(ours, 0.5), quantile(ratios, 0.5),
      quantile(ratios, 0.25), quantile(ratios, 0.75), allocated, times);
}

int run_one(std::string_view side, std::string_view id, std::size_t count) {
  for (const operation& each : operations) {
    if (each.id != id) continue;
    (side == "floor" ? each.floor : each.ours)(count);
    return 0;
  }
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 4) return run_one(argv[1], argv[2], std::strtoul(argv[3], nullptr, 10));
  std::string all;
  for (const operation& each : operations) all += (all.empty() ? "" : ",\n ") + measure(each);
  fmt::print("{{{}}}\n", all);
}
