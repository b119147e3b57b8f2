#pragma once

#include <cetane/base/config.hpp>
#include <cetane/coro/frame_memory.hpp>

#include <cstddef>
#include <cstdint>

namespace cetane::testing {

/// Lets one allocation of this thread fail: the one with that number, counted from 1 as long as
/// this lives; with 0 none, and they are only counted. One lives at a time on a thread.
///
/// An allocation is what reaches operator new, which the test program replaces: one of its source
/// files includes <cetane/testing/replace_new.hpp>. The library's own free lists, for coroutine
/// frames and the like, are emptied and rest meanwhile, so that they neither hide an allocation
/// nor make the count depend on what ran before. Those that a simulated network makes for itself,
/// where a kernel would, do not count.
class CETANE_API allocation_failure {
 public:
  /// @throws std::logic_error  operator new is not replaced.
  explicit allocation_failure(std::uint64_t number);
  allocation_failure(const allocation_failure&) = delete;
  allocation_failure& operator=(const allocation_failure&) = delete;
  ~allocation_failure();

  /// How many allocations there were so far, the one that has failed included.
  [[nodiscard]] std::uint64_t seen() const noexcept { return seen_; }
  /// Whether the one has failed.
  [[nodiscard]] bool happened() const noexcept { return wanted_ != 0 && seen_ >= wanted_; }

  /// What operator new asks: whether this one fails. Counts it.
  [[nodiscard]] static bool strikes() noexcept;

 private:
  cetane::detail::unpooled_frames unpooled_;
  std::uint64_t wanted_;
  std::uint64_t seen_ = 0;
};

/// As long as one lives, allocations of this thread succeed and do not count: for what a test does
/// for itself in the middle of a scenario, an assertion for example.
class CETANE_API spared_allocations {
 public:
  spared_allocations() noexcept;
  spared_allocations(const spared_allocations&) = delete;
  spared_allocations& operator=(const spared_allocations&) = delete;
  ~spared_allocations();
};

}  // namespace cetane::testing
