#include <cetane/base/random.hpp>

#include <catch2/catch_test_macros.hpp>

#include <array>
#include <cstdint>
#include <limits>
#include <vector>

namespace random_test {

using namespace std::chrono_literals;
using cetane::random_stream;

namespace {

std::vector<std::uint64_t> draw(random_stream& from, int count) {
  std::vector<std::uint64_t> numbers;
  for (int i = 0; i < count; ++i) numbers.push_back(from.next());
  return numbers;
}

}  // namespace

// What xoshiro256** begins with when splitmix64 fills its state from 0.
TEST_CASE("the numbers of a seed are those of the published algorithm", "[base][random]") {
  random_stream zero(0);

  CHECK(zero.next() == 0x99ec5f36cb75f2b4U);
  CHECK(zero.next() == 0xbf6e1f784956452aU);
  CHECK(zero.next() == 0x1a5f849d4933e6e0U);
}

TEST_CASE("a seed gives the same numbers again", "[base][random]") {
  random_stream one(42), again(42), other(43);

  const auto numbers = draw(one, 100);

  CHECK(draw(again, 100) == numbers);
  CHECK(draw(other, 100) != numbers);
  CHECK(one.seed() == 42);
}

TEST_CASE("uniform numbers reach both ends and nothing beyond", "[base][random]") {
  random_stream random(1);
  std::array<int, 6> seen{};

  for (int i = 0; i < 6000; ++i) {
    const std::uint64_t eye = random.uniform(1, 6);
    REQUIRE((eye >= 1 && eye <= 6));
    ++seen[eye - 1];
  }

  // The seed is fixed, so these counts are, too; 1,000 expected, 29 is one standard deviation.
  for (const int count : seen) CHECK((count > 855 && count < 1145));
}

TEST_CASE("uniform takes every range", "[base][random]") {
  random_stream random(1);
  constexpr auto most = std::numeric_limits<std::uint64_t>::max();

  CHECK(random.uniform(7, 7) == 7);
  CHECK(random.uniform(most, most) == most);
  bool upper_half = false;
  for (int i = 0; i < 64; ++i) upper_half = upper_half || random.uniform(0, most) > most / 2;
  CHECK(upper_half);
}

TEST_CASE("uniform durations stay between their ends", "[base][random]") {
  random_stream random(1);

  for (int i = 0; i < 1000; ++i) {
    const cetane::duration drawn = random.uniform(-5ms, 5ms);
    REQUIRE((drawn >= -5ms && drawn <= 5ms));
  }
  CHECK(random.uniform(3s, 3s) == 3s);
}

TEST_CASE("chance says never at 0 and always at 1", "[base][random]") {
  random_stream random(1);
  int yes = 0;

  for (int i = 0; i < 1000; ++i) {
    REQUIRE_FALSE(random.chance(0));
    REQUIRE(random.chance(1));
    if (random.chance(0.25)) ++yes;
  }

  CHECK((yes > 180 && yes < 320));
}

TEST_CASE("a named stream does not depend on what was drawn before", "[base][random]") {
  random_stream random(42);
  random_stream early = random.fork("network");
  draw(random, 10);
  random_stream late = random.fork("network");

  CHECK(draw(early, 10) == draw(late, 10));
}

TEST_CASE("streams of other names or seeds give other numbers", "[base][random]") {
  random_stream random(42), other_seed(43);
  random_stream network = random.fork("network");
  random_stream schedule = random.fork("schedule");
  random_stream elsewhere = other_seed.fork("network");

  const auto numbers = draw(network, 10);

  CHECK(draw(schedule, 10) != numbers);
  CHECK(draw(elsewhere, 10) != numbers);
  CHECK(draw(random, 10) != numbers);
}

}  // namespace random_test
