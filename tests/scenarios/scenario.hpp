#pragma once

#include <cetane/cetane.hpp>
#include <cetane/testing.hpp>

#include <catch2/catch_test_macros.hpp>

#include <cstdint>
#include <functional>
#include <string_view>

namespace cetane::test {

/// Plays `body` once for each seed, as testing::simulate() does: CETANE_SEEDS of them, else 100.
///
/// Fails, too, when it was too easy: the median seed must do 200 I/O operations and meet three
/// faults. What it came to is told when the program ends, see tally.hpp.
void play(std::string_view name, const std::function<task<>(testing::world&)>& body);

/// The oracle's word: fails the test unless `holds`. Costs nothing while all is well, unlike an
/// assertion of Catch2's.
inline void expect(bool holds, std::string_view what) {
  if (!holds) [[unlikely]]
    FAIL(what);
}

}  // namespace cetane::test
