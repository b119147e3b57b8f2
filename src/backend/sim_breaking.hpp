#pragma once

#include <backend/sim_engine.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace cetane::detail {

class sim_connection;

/// Whether, and when, an established connection breaks by itself: after so many bytes, of both
/// directions together, or after a time.
///
/// Both ends are sent a reset then, each of them behind what is under way to it, or ahead of that.
class sim_breaking {
 public:
  sim_breaking(sim_engine& engine, sim_connection& home) noexcept : engine_(engine), home_(home) {}

  /// Draws it; again when the network's ways change.
  void draw();

  /// Of `wanted` bytes, how many pass before it breaks.
  std::size_t passing(std::size_t wanted) const noexcept {
    return bytes_left_ ? std::min(wanted, *bytes_left_) : wanted;
  }
  /// Bytes have left one of the ends; with the last of those that pass it breaks.
  void note_sent(std::size_t bytes);

 private:
  void break_now();

  sim_engine& engine_;
  sim_connection& home_;
  std::uint64_t draws_ = 0;
  std::optional<std::size_t> bytes_left_;
};

}  // namespace cetane::detail
