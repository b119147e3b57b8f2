#pragma once

#include <cetane/base/config.hpp>
#include <cetane/coro/task.hpp>

#include <cstdint>
#include <functional>

namespace cetane::testing {

class world;

/// Plays `scenario` again and again, each time in a new world of the same seed, and lets another
/// allocation fail each time: the first, the second, and so on until it ends without one.
///
/// For the inside of a Catch2 test, in a program of which one source file includes
/// <cetane/testing/replace_new.hpp>; what counts as an allocation says allocation_failure. The
/// first time nothing fails. Whichever fails:
/// - the scenario ends as usual or by an error: std::bad_alloc, or what a peer sees of that, a
///   std::system_error. Anything else that it throws fails the test;
/// - two who talk to each other beside it on the same loop do not notice;
/// - no task, connection, timer or descriptor is left 15 virtual seconds later.
///
/// The log is silent meanwhile, since it would tell of each task that ends by it. An assertion
/// allocates, too: put a `const spared_allocations here;` before those of the scenario.
/// The seed is 1, or CETANE_SEED.
/// @return How many allocations the scenario makes.
/// @throws std::logic_error  operator new is not replaced.
/// @throws unfinished        Something was left, or the scenario makes more than 20,000
/// allocations.
CETANE_API std::uint64_t fail_allocations(const std::function<task<>(world&)>& scenario);

}  // namespace cetane::testing
