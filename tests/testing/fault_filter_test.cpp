#include <cetane/cetane.hpp>
#include <cetane/testing.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <chrono>
#include <stdexcept>
#include <string>
#include <vector>

namespace fault_filter_test {

using namespace cetane;
using namespace cetane::testing;
using namespace std::chrono_literals;

TEST_CASE("a filter of faults is read as it is written", "[testing][fault_filter]") {
  for (const std::string text : {"", "none", "resets", "latency,resets", "resets@0.2..0.4",
                                 "@0..1.5", "none@1..2", "storms@0..0.001"}) {
    CHECK(fault_filter::parse(text).to_string() == text);
  }
}

TEST_CASE("a filter that says no faults is refused with those that there are",
          "[testing][fault_filter]") {
  for (const std::string text : {"reset", "resets,", ",resets", "resets@", "resets@1", "@2..1",
                                 "@-1..2", "@1..x", "resets storms"}) {
    CAPTURE(text);
    CHECK_THROWS_MATCHES(fault_filter::parse(text), std::invalid_argument,
                         Catch::Matchers::MessageMatches(
                             Catch::Matchers::ContainsSubstring("there are latency bandwidth")));
  }
}

TEST_CASE("a filter lets its kinds and its time through, and nothing that was not wanted",
          "[testing][fault_filter]") {
  const faults wanted = faults().latency(1ms, 1s).resets().storms().from(1s).until(5s);
  CHECK(kinds_of(wanted) ==
        std::vector{fault_kind::latency, fault_kind::storms, fault_kind::resets});

  const faults some = fault_filter::parse("resets,short_writes@2..9").applied_to(wanted);
  CHECK(kinds_of(some) == std::vector{fault_kind::resets});
  CHECK(some.ways().window_begin() == 2s);
  CHECK(some.ways().window_end() == 5s);

  CHECK(kinds_of(fault_filter::parse("none").applied_to(wanted)).empty());
  CHECK(kinds_of(fault_filter().applied_to(wanted)) == kinds_of(wanted));
  CHECK(kinds_of(faults::none()).empty());
  CHECK(kinds_of(faults().buffers(1).bandwidth(5).split_reads()) ==
        std::vector{fault_kind::bandwidth, fault_kind::buffers, fault_kind::split_reads});
}

TEST_CASE("a span of time that ends before the faults begin lets none through",
          "[testing][fault_filter]") {
  const faults none = fault_filter::parse("@0..1").applied_to(faults().resets().from(2s));
  CHECK(none.ways().window_begin() == none.ways().window_end());
}

TEST_CASE("a world with a filter meets only what that lets through", "[testing][fault_filter]") {
  world w(1);
  w.filter_faults(fault_filter::parse("storms"));
  w.run([](world& here) -> task<> {
    here.faults_are(faults().refused_connects(1));
    const auto& server = here.serve(service([](connection&) -> task<> { co_return; }, 0));
    connection c = co_await connect("server", server.port());
    co_await c.closed();
  });
  CHECK(w.faults_told() == std::vector{fault_kind::refused_connects});
  CHECK(w.faults_met() == 0);
}

}  // namespace fault_filter_test
