#include <cetane/base/scope_exit.hpp>

#include <catch2/catch_test_macros.hpp>

#include <stdexcept>
#include <type_traits>

namespace scope_exit_test {

using cetane::scope_exit;

static_assert(!std::is_copy_constructible_v<scope_exit<void (*)()>>);
static_assert(!std::is_move_constructible_v<scope_exit<void (*)()>>);

TEST_CASE("the function runs once, when the scope is left", "[base][scope_exit]") {
  int runs = 0;
  {
    const scope_exit count([&] { ++runs; });
    CHECK(runs == 0);
  }
  CHECK(runs == 1);
}

TEST_CASE("the function runs when an exception leaves the scope", "[base][scope_exit]") {
  int runs = 0;
  const auto fail = [&] {
    const scope_exit count([&] { ++runs; });
    throw std::runtime_error("out");
  };

  CHECK_THROWS_AS(fail(), std::runtime_error);
  CHECK(runs == 1);
}

TEST_CASE("after release nothing runs", "[base][scope_exit]") {
  int runs = 0;
  {
    scope_exit count([&] { ++runs; });
    count.release();
  }
  CHECK(runs == 0);
}

TEST_CASE("the last one made runs first", "[base][scope_exit]") {
  int order = 0;
  {
    const scope_exit second([&] { order = order * 10 + 2; });
    const scope_exit first([&] { order = order * 10 + 1; });
  }
  CHECK(order == 12);
}

}  // namespace scope_exit_test
