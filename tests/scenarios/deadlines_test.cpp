// Reads under deadlines that nest: the earliest one ends the wait, at its very moment, and what
// comes too late for one read is there for the next.
#include <scenarios/weather.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>

namespace deadlines_test {

using namespace cetane;
using namespace cetane::test;
using testing::world;

namespace {

struct stage {
  explicit stage(world& w) : sky(w), clock(w) {}

  weather sky;
  world& clock;
  std::uint16_t port = 0;
};

// "number milliseconds": the number comes back after that time.
task<> answer_later(connection& peer) {
  while (auto line = co_await peer.next_line()) {
    const std::size_t space = line->find(' ');
    co_await sleep(std::chrono::milliseconds(std::stoul(line->substr(space + 1))));
    co_await peer.print("{}\n", line->substr(0, space));
  }
}

// Three deadlines around one read, the innermost last.
struct limits {
  duration outer;
  duration middle;
  duration inner;

  duration earliest() const { return std::min({outer, middle, inner}); }
};

limits draw_limits(random_stream& dice) {
  const auto draw = [&] { return dice.uniform(duration(1ms), duration(80ms)); };
  const duration outer = draw(), middle = draw(), inner = draw();
  return {outer, middle, inner};
}

// Nothing when the outermost deadline was the earliest, so that nobody within sees it.
task<std::optional<std::string>> read_within(connection& from, duration outer, duration middle,
                                             duration inner) {
  co_return co_await move_on_after(outer,
                                   with_timeout(middle, with_timeout(inner, from.until_eol())));
}

task<std::optional<std::string>> try_to_read(stage& s, connection& from, limits set) {
  const duration begin = s.clock.elapsed();
  std::optional<std::string> line;
  bool thrown = false;
  try {
    line = co_await read_within(from, set.outer, set.middle, set.inner);
  } catch (const timed_out&) {
    thrown = true;
  }
  const duration took = s.clock.elapsed() - begin;
  expect(took <= set.earliest(), "a deadline was missed");
  if (line) co_return line;
  expect(took == set.earliest(), "a wait has ended before its deadline");
  expect(thrown ? set.outer >= took : set.outer == took, "another deadline has ended it");
  co_return std::nullopt;
}

task<> converse(stage& s, connection& server, random_stream& dice) {
  const std::size_t count = dice.uniform(6, 12);
  std::size_t asked = 0;
  for (std::size_t answered = 0; answered < count;) {
    if (asked < std::min(count, answered + 2)) {
      co_await server.print("{} {}\n", asked++, dice.uniform(0, 60));
    }
    const limits set = draw_limits(dice);
    const auto line = co_await try_to_read(s, server, set);
    if (line) expect(*line == fmt::format("{}\n", answered++), "an answer was lost, or doubled");
  }
  co_await server.send_eof();
  const std::string rest = co_await with_timeout(2s, with_timeout(1s, server.until_eof()));
  expect(rest.empty(), "there is more than was asked for");
}

task<> visit(stage& s, random_stream dice) {
  for (std::uint64_t left = dice.uniform(1, 3); left > 0; --left) {
    try {
      connection server = co_await reach(s.port);
      co_await converse(s, server, dice);
    } catch (const connection_error&) {
    } catch (const timed_out&) {
      expect(!s.sky.calm() || left > 0, "an end is late though all is well");
    }
  }
  co_await s.sky.wait_until_calm();
  connection server = co_await reach(s.port);
  co_await converse(s, server, dice);
}

}  // namespace

TEST_CASE("nested deadlines: the earliest ends a wait at its moment, and nothing is lost",
          "[scenario]") {
  play("nested deadlines", [](world& w) -> task<> {
    stage s(w);
    const auto& server = w.serve(service(answer_later, 0));
    s.port = server.port();
    co_await with_group([&](group& all) -> task<> {
      for (const char* const name : {"one", "two", "three"}) {
        all.spawn(visit, std::ref(s), w.random().fork(name));
      }
      all.spawn([&]() -> task<> { return s.sky.clear_up(); });
      co_return;
    });
  });
}

}  // namespace deadlines_test
