#pragma once

#include <cetane/base/clock.hpp>

#include <optional>
#include <vector>

namespace cetane::polling {

/// The descriptors that are ready, in the order in which they were given.
struct selected {
  std::vector<int> readers;
  std::vector<int> writers;
  std::vector<int> errors;

  [[nodiscard]] bool empty() const noexcept {
    return readers.empty() && writers.empty() && errors.empty();
  }
};

/// Blocks the thread until one of the descriptors can be read, takes output, or has an exceptional
/// condition such as urgent input; select(2).
///
/// A descriptor that may be listed in all three is ready for reading at its end and after an error
/// too. Signals do not shorten the wait.
/// @param timeout  Zero only looks; nothing waits for as long as it takes. Never ends early.
/// @throws error                  A descriptor is not open, or is 1024 or above: select(2) would
/// write beyond its sets there. poll and epoll take any.
/// @throws std::invalid_argument  The timeout is negative.
[[nodiscard]] CETANE_API selected select(const std::vector<int>& readers,
                                         const std::vector<int>& writers,
                                         const std::vector<int>& errors,
                                         std::optional<any_duration> timeout = std::nullopt);

}  // namespace cetane::polling
