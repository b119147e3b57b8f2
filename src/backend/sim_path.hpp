#pragma once

#include <backend/sim_engine.hpp>

#include <cetane/base/clock.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace cetane::detail {

/// The way from one end of a connection to the other: nothing on it overtakes anything, and bytes
/// pass one behind the other where the bandwidth is limited.
class sim_path {
 public:
  explicit sim_path(sim_engine& engine) noexcept : engine_(engine) {}

  /// When what leaves now arrives.
  time_point arrival(std::size_t bytes) {
    if (epoch_ != engine_.schedule.epoch()) catch_up();
    const std::size_t speed = engine_.bandwidth();
    if (speed != sim_options::unlimited_bandwidth) {
      free_at_ = std::max(free_at_, engine_.now()) + time_for(bytes, speed);
    }
    const time_point leaves = std::max(free_at_, engine_.now());
    return last_ = std::max(last_, leaves + engine_.draw_latency());
  }

  /// Keeps what leaves next a little behind what left last, so that it arrives by itself.
  void separate() noexcept { last_ += duration(1); }

  /// True while bytes that left before still hold up those that leave now.
  bool busy() const noexcept { return free_at_ > engine_.now(); }

 private:
  // What was on the way has been hastened since.
  void catch_up() noexcept {
    epoch_ = engine_.schedule.epoch();
    last_ = std::min(last_, engine_.schedule.hastened_to());
    free_at_ = std::min(free_at_, engine_.now());
  }

  static duration time_for(std::size_t bytes, std::size_t per_second) noexcept {
    const double seconds = static_cast<double>(bytes) / static_cast<double>(per_second);
    return duration(static_cast<duration::rep>(seconds * 1e9));
  }

  sim_engine& engine_;
  std::uint64_t epoch_ = 0;
  time_point free_at_{};  // when all that has left is on the way
  time_point last_{};     // when the last of it arrives
};

}  // namespace cetane::detail
