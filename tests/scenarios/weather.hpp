#pragma once

#include <scenarios/scenario.hpp>

#include <chrono>
#include <cstdint>
#include <string>

namespace cetane::test {

using namespace std::chrono_literals;

/// The network of a scenario: bad at first, in ways that the seed draws, then good for ever.
class weather {
 public:
  /// Draws how bad it is, and lets it begin.
  explicit weather(testing::world& over);

  /// Lets it clear up after a while, whatever is under way: from then on all is well, and the test
  /// has five seconds to its end. A task of the scenario.
  task<> clear_up();

  bool calm() const noexcept { return calm_.is_set(); }

  /// Suspends until it is calm.
  auto wait_until_calm() { return calm_.wait(); }

 private:
  testing::world& world_;
  random_stream dice_;
  event calm_;
};

/// Connects, and tries again until it succeeds: for a client that does not give up.
task<connection> reach(std::uint16_t port);

/// A line with a number in it and a length of its own, line end included.
std::string numbered_line(random_stream& dice, std::string_view first, std::size_t number,
                          std::size_t longest = 60);

}  // namespace cetane::test
