// A task that is kept alive while its source fails, and it fails by itself: one run at a time, each
// after the pause that was agreed, until it is told to end.
#include <scenarios/weather.hpp>

#include <cetane/base/text.hpp>

#include <fmt/format.h>

#include <optional>
#include <stdexcept>
#include <string>

namespace supervise_test {

using namespace cetane;
using namespace cetane::test;
using testing::world;

namespace {

constexpr duration first_pause = 10ms;
constexpr duration longest_pause = 160ms;

struct stage {
  explicit stage(world& w) : clock(w), sky(w), dice(w.random().fork("stage")) {}

  world& clock;
  weather sky;
  random_stream dice;
  std::uint16_t port = 0;
  int runs_alive = 0;
  std::size_t runs = 0;
  std::size_t values = 0;          // in all runs
  std::size_t values_in_this = 0;  // in the present one
  duration run_began{};
  std::optional<duration> run_ended;
  duration pause = first_pause;  // that comes before the next run
};

// Tells numbers, for a while.
task<> tell(connection& peer, stage& s) {
  const std::uint64_t count = s.dice.uniform(1, 40);
  for (std::uint64_t n = 0; n < count; ++n) {
    co_await peer.print("value {}\n", n);
    co_await sleep(5ms);
  }
}

void begin_run(stage& s) {
  expect(++s.runs_alive == 1, "two runs at the same time");
  s.run_began = s.clock.elapsed();
  s.values_in_this = 0;
  ++s.runs;
  if (!s.run_ended) return;
  expect(s.run_began - *s.run_ended == s.pause, "the pause is another one than agreed");
  s.pause = std::min(2 * s.pause, longest_pause);
}

void end_run(stage& s) {
  --s.runs_alive;
  s.run_ended = s.clock.elapsed();
  if (*s.run_ended - s.run_began > longest_pause) s.pause = first_pause;
}

task<> refresh(stage& s) {
  begin_run(s);
  const scope_exit leave([&] { end_run(s); });
  connection source = co_await connect("source", s.port).timeout(200ms);
  for (;;) {
    const std::string line = co_await source.until_eol();
    expect(line == fmt::format("value {}\n", s.values_in_this), "a value is missing, or doubled");
    ++s.values_in_this;
    ++s.values;
    if (s.dice.chance(0.02)) throw std::runtime_error("tired");
  }
}

task<> run_for_a_while(stage& s, random_stream dice) {
  const restart_policy policy = restart_policy().backoff(first_pause, longest_pause);
  auto kept = supervise(policy, refresh, std::ref(s));
  co_await sleep(dice.uniform(duration(200ms), duration(1500ms)));
  kept.cancel();
  bool was_cancelled = false;
  try {
    co_await kept;
  } catch (const cancelled&) {
    was_cancelled = true;
  }
  expect(was_cancelled && s.runs_alive == 0, "it has not ended when it was told to");
  const std::size_t runs = s.runs;
  co_await sleep(2 * longest_pause);
  expect(s.runs == runs, "it was started again after its end");
  s.run_ended.reset();
  s.pause = first_pause;
}

}  // namespace

TEST_CASE("supervise restarts: one run at a time, after the pause agreed, until told to end",
          "[scenario]") {
  play("supervise", [](world& w) -> task<> {
    stage s(w);
    const auto& source = w.serve(service(tell, 0, std::ref(s)));
    s.port = source.port();
    auto clearing = spawn([&]() -> task<> { return s.sky.clear_up(); });
    for (int n = 0; n < 2 || !s.sky.calm(); ++n) {
      co_await run_for_a_while(s, w.random().fork(fmt::format("while {}", n)));
    }
    co_await clearing;
    const std::size_t values = s.values;
    co_await run_for_a_while(s, w.random().fork("the last"));
    expect(s.values > values, "nothing has come though all is well");
  });
}

}  // namespace supervise_test
