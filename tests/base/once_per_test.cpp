#include <cetane/base/once_per.hpp>

#include <catch2/catch_test_macros.hpp>

namespace once_per_test {

using namespace std::chrono_literals;
using cetane::time_point;
using cetane::log::once_per;

TEST_CASE("one line in each span of time is let through", "[base][once_per]") {
  once_per limit(1s);
  const time_point start(100s);

  CHECK(limit.due(start));
  CHECK_FALSE(limit.due(start));
  CHECK_FALSE(limit.due(start + 999ms));
  CHECK(limit.due(start + 1s));
  CHECK_FALSE(limit.due(start + 1999ms));
}

TEST_CASE("the lines held back are counted once", "[base][once_per]") {
  once_per limit(1s);
  const time_point start(100s);
  CHECK(limit.due(start));
  CHECK(limit.take_held_back() == 0);
  CHECK_FALSE(limit.due(start + 1ms));
  CHECK_FALSE(limit.due(start + 2ms));

  CHECK(limit.due(start + 5s));

  CHECK(limit.take_held_back() == 2);
  CHECK(limit.take_held_back() == 0);
}

TEST_CASE("the first line is due even at the beginning of time", "[base][once_per]") {
  once_per limit(1h);

  CHECK(limit.due(time_point()));
}

}  // namespace once_per_test
