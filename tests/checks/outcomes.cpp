// Cases for status_test.py, which runs them in groups to see how the test programs' main function
// ends.

#include <catch2/catch_test_macros.hpp>

TEST_CASE("passes", "[pass]") { CHECK(true); }
TEST_CASE("is skipped", "[skip]") { SKIP("on purpose"); }
TEST_CASE("fails once", "[fail]") { CHECK(false); }

TEST_CASE("fails four times, which is also Catch2's status for all skipped", "[four]") {
  for (int i = 0; i < 4; ++i) CHECK(false);
}

TEST_CASE("fails 77 times, which is also Meson's status for skipped", "[seventy-seven]") {
  for (int i = 0; i < 77; ++i) CHECK(false);
}
