#pragma once

#include <cstdint>
#include <memory>

namespace cetane::detail {
class backend;
}

namespace cetane::test {

/// The backend that CETANE_TEST_BACKEND names: epoll, which is the default, io_uring, or sim.
std::unique_ptr<detail::backend> make_test_backend();

/// True if that is the simulated one.
bool on_sim();

/// The seed of simulations: CETANE_TEST_SEED, else 1.
std::uint64_t test_seed();

/// How many seeds a test goes through, from test_seed() on: CETANE_SEEDS, else `usual`.
std::uint64_t seed_count(std::uint64_t usual);

}  // namespace cetane::test
