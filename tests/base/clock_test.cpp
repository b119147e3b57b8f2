#include <cetane/base/clock.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <limits>
#include <stdexcept>

namespace clock_test {

using namespace std::chrono_literals;
using cetane::deadline_after;
using cetane::duration;
using cetane::duration_text;
using cetane::never;
using cetane::seconds_to_duration;
using cetane::time_point;

TEST_CASE("a deadline is the timeout away", "[base][clock]") {
  const time_point now(5s);

  CHECK(deadline_after(now, 3s) == time_point(8s));
  CHECK(deadline_after(now, 1ns) == time_point(5s + 1ns));
  CHECK(deadline_after(time_point(-5s), 3s) == time_point(-2s));
}

TEST_CASE("a timeout of zero or less means now", "[base][clock]") {
  const time_point now(5s);

  CHECK(deadline_after(now, 0s) == now);
  CHECK(deadline_after(now, -1ns) == now);
  CHECK(deadline_after(now, duration::min()) == now);
}

TEST_CASE("a deadline beyond the clock's range never comes", "[base][clock]") {
  const time_point now(5s);

  CHECK(deadline_after(now, duration::max()) == never);
  CHECK(deadline_after(never, 1ns) == never);
  CHECK(deadline_after(now, duration::max() - 5s) == never);
  CHECK(deadline_after(now, duration::max() - 5s - 1ns) == never - 1ns);
  CHECK(deadline_after(time_point(-5s), duration::max()) == never - 5s);
}

TEST_CASE("any span becomes a duration, never a shorter one, and saturates", "[base][clock]") {
  using cetane::to_duration;
  using seconds = std::chrono::duration<double>;
  constexpr double nothing = std::numeric_limits<double>::quiet_NaN();

  CHECK(to_duration(3s) == 3s);
  CHECK(to_duration(std::chrono::duration<double, std::nano>(1.1)) == 2ns);
  CHECK(to_duration(std::chrono::hours::max()) == duration::max());
  CHECK(to_duration(std::chrono::hours::min()) == duration::min());
  CHECK(to_duration(duration::max()) == duration::max());
  CHECK(to_duration(seconds(std::numeric_limits<double>::infinity())) == duration::max());
  CHECK(to_duration(seconds(nothing)) == duration::min());
}

TEST_CASE("a function that takes any duration is given what <chrono> can say", "[base][clock]") {
  const auto take = [](cetane::any_duration span) -> duration { return span; };

  CHECK(take(2min) == 120s);
  CHECK(take(std::chrono::hours::max()) == duration::max());
  CHECK(take(-std::chrono::hours::max()) == duration::min());
  CHECK(cetane::any_duration(1s) == 1000ms);
  CHECK(cetane::any_duration(std::chrono::hours::max()) > duration::zero());
}

TEST_CASE("seconds become the nearest nanosecond", "[base][clock]") {
  CHECK(seconds_to_duration(0) == 0s);
  CHECK(seconds_to_duration(-0.0) == 0s);
  CHECK(seconds_to_duration(1) == 1s);
  CHECK(seconds_to_duration(0.1) == 100ms);
  CHECK(seconds_to_duration(1.1) == 1100ms);
  CHECK(seconds_to_duration(0.7) == 700ms);
  CHECK(seconds_to_duration(1e-9) == 1ns);
  CHECK(seconds_to_duration(0.4e-9) == 0ns);
}

TEST_CASE("more seconds than fit become the longest duration", "[base][clock]") {
  CHECK(seconds_to_duration(1e10) == duration::max());
  CHECK(seconds_to_duration(std::numeric_limits<double>::infinity()) == duration::max());
  CHECK(seconds_to_duration(9'223'372'036.854775807) == duration::max());
  CHECK(seconds_to_duration(9e9) == 9'000'000'000s);
}

TEST_CASE("negative seconds and what is no number are refused with the value", "[base][clock]") {
  CHECK_THROWS_AS(seconds_to_duration(std::numeric_limits<double>::quiet_NaN()),
                  std::invalid_argument);
  CHECK_THROWS_MATCHES(seconds_to_duration(-1.5), std::invalid_argument,
                       Catch::Matchers::MessageMatches(
                           Catch::Matchers::Equals("a time in seconds must be zero or more, "
                                                   "and -1.5 was given")));
}

TEST_CASE("a duration prints in the unit that people would choose", "[base][clock]") {
  CHECK(duration_text(0s) == "0 s");
  CHECK(duration_text(30s) == "30 s");
  CHECK(duration_text(1500ms) == "1.5 s");
  CHECK(duration_text(250ms) == "250 ms");
  CHECK(duration_text(1500us) == "1.5 ms");
  CHECK(duration_text(7ns) == "7 ns");
  CHECK(duration_text(10min) == "10 min");
  CHECK(duration_text(90min) == "90 min");
  CHECK(duration_text(90s) == "90 s");
  CHECK(duration_text(2h) == "2 h");
  CHECK(duration_text(-2s) == "-2 s");
}

}  // namespace clock_test
