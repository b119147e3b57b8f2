#include <cetane/conc/backoff.hpp>

#include <catch2/catch_test_macros.hpp>

#include <stdexcept>

namespace backoff_test {

using namespace cetane;
using namespace std::chrono_literals;

TEST_CASE("each pause of a backoff is twice the one before, up to the longest", "[conc][backoff]") {
  backoff pause(100ms, 1s);

  REQUIRE(pause.next() == 100ms);
  REQUIRE(pause.next() == 200ms);
  REQUIRE(pause.next() == 400ms);
  REQUIRE(pause.next() == 800ms);
  REQUIRE(pause.next() == 1s);
  REQUIRE(pause.next() == 1s);
}

TEST_CASE("a backoff whose longest pause is reached exactly stays there", "[conc][backoff]") {
  backoff pause(250ms, 1s);

  REQUIRE(pause.next() == 250ms);
  REQUIRE(pause.next() == 500ms);
  REQUIRE(pause.next() == 1s);
  REQUIRE(pause.next() == 1s);
}

TEST_CASE("a backoff that was reset begins with its first pause again", "[conc][backoff]") {
  backoff pause(1s, 1min);
  for (int tries = 0; tries < 10; ++tries) pause.next();

  pause.reset();

  REQUIRE(pause.next() == 1s);
  REQUIRE(pause.next() == 2s);
}

TEST_CASE("a backoff of equal pauses does not grow", "[conc][backoff]") {
  backoff pause(3s, 3s);

  REQUIRE(pause.next() == 3s);
  REQUIRE(pause.next() == 3s);
}

TEST_CASE("the longest possible pause of a backoff does not overflow", "[conc][backoff]") {
  backoff pause(duration::max() / 2 + 1ns, duration::max());

  REQUIRE(pause.next() == duration::max() / 2 + 1ns);
  REQUIRE(pause.next() == duration::max());
  REQUIRE(pause.next() == duration::max());
}

TEST_CASE("a backoff that could not grow or has no room to is refused", "[conc][backoff]") {
  REQUIRE_THROWS_AS(backoff(0s, 1s), std::invalid_argument);
  REQUIRE_THROWS_AS(backoff(-1s, 1s), std::invalid_argument);
  REQUIRE_THROWS_AS(backoff(2s, 1s), std::invalid_argument);
}

}  // namespace backoff_test
