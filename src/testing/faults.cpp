#include <cetane/testing/faults.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <stdexcept>

namespace cetane::testing {
namespace {

using namespace std::chrono_literals;

// From `low` to `high`: half of them `high`, and each half of that half as often.
std::size_t any_size(random_stream& numbers, std::size_t low, std::size_t high) {
  std::size_t size = high;
  while (size > low && numbers.chance(0.5)) size /= 2;
  return std::max(low, size);
}

}  // namespace

faults faults::none() { return {}; }

faults faults::slow_link() {
  return faults().latency(100ms, 400ms).bandwidth(20'000).split_reads(1460);
}

faults faults::small_pipes() { return faults().buffers(256).split_reads().short_writes(); }

faults faults::flaky() {
  return faults()
      .latency(0ms, 50ms)
      .split_reads(1000)
      .storms(0.05)
      .resets(0.1)
      .refused_connects(0.05)
      .lost_connects(0.02)
      .full_backlogs(0.05)
      .lost_datagrams(0.05)
      .doubled_datagrams(0.02)
      .reordered_datagrams(0.05);
}

faults faults::hostile() {
  return faults()
      .latency(0ms, 200ms)
      .bandwidth(100'000)
      .buffers(400)
      .split_reads()
      .short_writes()
      .late_writes()
      .storms(0.3)
      .resets(0.3)
      .refused_connects(0.1)
      .timed_out_connects(0.05)
      .lost_connects(0.05)
      .unreachable_connects(0.05)
      .full_backlogs()
      .failing_accepts()
      .shuffled_turns()
      .lost_datagrams(0.2)
      .doubled_datagrams(0.2)
      .reordered_datagrams(0.2)
      .truncated_datagrams(0.1);
}

faults faults::named(std::string_view profile) {
  if (profile == "none") return none();
  if (profile == "slow_link") return slow_link();
  if (profile == "small_pipes") return small_pipes();
  if (profile == "flaky") return flaky();
  if (profile == "hostile") return hostile();
  throw std::invalid_argument(
      fmt::format("there is no profile of faults called \"{}\": there are none, slow_link, "
                  "small_pipes, flaky and hostile",
                  profile));
}

faults& faults::latency(any_duration shortest, any_duration longest) {
  ways_.set_latency(shortest, longest);
  return *this;
}

faults& faults::bandwidth(std::size_t bytes_per_second) {
  ways_.set_bandwidth(bytes_per_second);
  return *this;
}

faults& faults::buffers(std::size_t bytes) {
  ways_.set_capacity(bytes);
  return *this;
}

faults& faults::split_reads(std::size_t most_bytes) {
  ways_.set_segment(1, most_bytes);
  return *this;
}

faults& faults::short_writes(double share) { return strike(fault_kind::short_writes, share); }

faults& faults::late_writes(double share) { return strike(fault_kind::late_writes, share); }

faults& faults::storms(double share) { return strike(fault_kind::storms, share); }

faults& faults::resets(double share) { return strike(fault_kind::resets, share); }

faults& faults::refused_connects(double share) {
  return strike(fault_kind::refused_connects, share);
}

faults& faults::timed_out_connects(double share) {
  return strike(fault_kind::timed_out_connects, share);
}

faults& faults::lost_connects(double share) { return strike(fault_kind::lost_connects, share); }

faults& faults::unreachable_connects(double share) {
  return strike(fault_kind::unreachable_connects, share);
}

faults& faults::full_backlogs(double share) { return strike(fault_kind::full_backlogs, share); }

faults& faults::failing_accepts(double share) { return strike(fault_kind::failing_accepts, share); }

faults& faults::shuffled_turns() { return strike(fault_kind::shuffled_turns, 1); }

faults& faults::lost_datagrams(double share) { return strike(fault_kind::lost_datagrams, share); }

faults& faults::doubled_datagrams(double share) {
  return strike(fault_kind::doubled_datagrams, share);
}

faults& faults::reordered_datagrams(double share) {
  return strike(fault_kind::reordered_datagrams, share);
}

faults& faults::truncated_datagrams(double share) {
  return strike(fault_kind::truncated_datagrams, share);
}

faults& faults::strike(fault_kind kind, double share) {
  ways_.set_share(kind, share);
  return *this;
}

faults& faults::without(fault_kind kind) {
  ways_.leave_out(kind);
  return *this;
}

faults& faults::from(any_duration begin) {
  ways_.set_window(begin, ways_.window_end());
  return *this;
}

faults& faults::until(any_duration end) {
  ways_.set_window(ways_.window_begin(), end);
  return *this;
}

// Swarms: some worlds have no resets, some hardly anything else.
faults faults::drawn(random_stream& numbers) {
  const auto share = [&](double most) {
    return most * static_cast<double>(any_size(numbers, 1, 64)) / 64;
  };
  faults mix;
  if (numbers.chance(0.5)) mix.latency(0ms, numbers.uniform(duration(1ms), duration(300ms)));
  if (numbers.chance(0.3)) mix.bandwidth(any_size(numbers, 5'000, 1'000'000));
  if (numbers.chance(0.4)) mix.buffers(any_size(numbers, 1, 16'384));
  if (numbers.chance(0.5)) mix.split_reads(any_size(numbers, 1, 4'096));
  if (numbers.chance(0.4)) mix.short_writes(share(1));
  if (numbers.chance(0.5)) mix.late_writes(share(1));
  if (numbers.chance(0.4)) mix.storms(share(0.9));
  if (numbers.chance(0.3)) mix.resets(share(0.5));
  if (numbers.chance(0.2)) mix.refused_connects(share(0.5));
  if (numbers.chance(0.1)) mix.timed_out_connects(share(0.2));
  if (numbers.chance(0.1)) mix.lost_connects(share(0.2));
  if (numbers.chance(0.1)) mix.unreachable_connects(share(0.2));
  if (numbers.chance(0.2)) mix.full_backlogs(share(0.5));
  if (numbers.chance(0.3)) mix.failing_accepts(share(1));
  if (numbers.chance(0.5)) mix.shuffled_turns();
  if (numbers.chance(0.3)) mix.lost_datagrams(share(0.5));
  if (numbers.chance(0.3)) mix.doubled_datagrams(share(0.5));
  if (numbers.chance(0.3)) mix.reordered_datagrams(share(0.5));
  if (numbers.chance(0.1)) mix.truncated_datagrams(share(0.5));
  return mix;
}

}  // namespace cetane::testing
