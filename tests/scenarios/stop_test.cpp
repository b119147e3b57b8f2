// A program that is stopped while its handlers are at work: what can be finished within the drain
// limit is, and its answer arrives; what cannot is cut at the limit; nobody begins any more.
#include <scenarios/weather.hpp>

#include <cetane/base/text.hpp>

#include <fmt/format.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace stop_test {

using namespace cetane;
using namespace cetane::test;
using testing::world;

namespace {

constexpr std::uint16_t port = 8013;
constexpr duration clean_up = 1s;  // how long what was cancelled may take

// One run of the program, from its start to the end of its stop.
struct shift {
  duration drain{};
  std::optional<duration> stopped_at;
  bool over = false;
  int at_work = 0;
  std::map<std::string, int> done;      // by the handlers, for each client
  std::map<std::string, int> answered;  // and what it has heard of that
};

struct stage {
  explicit stage(world& w) : clock(w), sky(w), server(w.host("server")) {}

  world& clock;
  weather sky;
  testing::host& server;
  shift now;
};

void check_cut(stage& s, duration work_ends, cancel_reason why) {
  const duration limit = *s.now.stopped_at + s.now.drain;
  expect(why == cancel_reason::shutdown, "work was cut for another reason than the stop");
  expect(s.clock.elapsed() >= limit, "work was cut before the drain limit");
  expect(work_ends >= limit, "work was cut that could have been finished");
}

task<> work(stage& s, duration takes) {
  const duration ends = s.clock.elapsed() + takes;
  ++s.now.at_work;
  const scope_exit leave([&] { --s.now.at_work; });
  try {
    co_await sleep(takes);
  } catch (const cancelled& e) {
    check_cut(s, ends, e.reason);
    throw;
  }
}

// "name milliseconds" for each piece of work.
task<> serve(connection& peer, stage& s) {
  expect(!s.now.stopped_at || s.clock.elapsed() == *s.now.stopped_at, "a handler began too late");
  for (;;) {
    const std::string line = co_await peer.until_eol();
    const std::size_t space = line.find(' ');
    co_await work(s, std::chrono::milliseconds(std::stoul(line.substr(space + 1))));
    ++s.now.done[line.substr(0, space)];
    co_await peer.send("done\n");
  }
}

task<> hand_in_work(stage& s, connection& server, std::string name, random_stream& dice) {
  for (;;) {
    co_await server.print("{} {}\n", name, dice.uniform(0, 400));
    const std::string answer = co_await server.until_eol();
    expect(answer == "done\n", "an answer was invented");
    ++s.now.answered[name];
    co_await sleep(dice.uniform(duration(0ms), duration(60ms)));
  }
}

// Comes again and again, until the shift is over.
task<> visit(stage& s, std::string name, random_stream dice) {
  while (!s.now.over) {
    try {
      connection server = co_await connect("server", port).timeout(300ms);
      co_await hand_in_work(s, server, name, dice);
    } catch (const connection_error&) {
    }
    co_await sleep(20ms);
  }
}

task<> stop_after(stage& s, testing::program& server, duration span) {
  co_await sleep(span);
  s.now.stopped_at = s.clock.elapsed();
  server.stop();
  co_await server.ended();
  s.now.over = true;
  const duration took = s.clock.elapsed() - *s.now.stopped_at;
  expect(took <= s.now.drain + clean_up + 1ms, "the stop took too long");
  expect(s.now.at_work == 0, "somebody is at work after the end");
}

void check_answers(const shift& past, bool was_calm) {
  for (const auto& [name, answered] : past.answered) {
    const auto done = past.done.find(name);
    expect(done != past.done.end() && answered <= done->second, "an answer was invented");
  }
  if (!was_calm) return;
  for (const auto& [name, done] : past.done) {
    const auto answered = past.answered.find(name);
    expect(answered != past.answered.end() && answered->second == done, "an answer was lost");
  }
}

task<> run_shift(stage& s, random_stream dice) {
  const bool was_calm = s.sky.calm();
  s.now = shift();
  s.now.drain = dice.uniform(duration(0ms), duration(500ms));
  const auto set_up = [&](application& app) {
    app.drain(s.now.drain);
    app.add_service(service(serve, port, std::ref(s)));
  };
  testing::program server = s.server.run(set_up);
  co_await with_group([&](group& all) -> task<> {
    for (const char* const name : {"anna", "bob", "carl", "dora", "emil"}) {
      all.spawn(visit, std::ref(s), std::string(name), dice.fork(name));
    }
    all.spawn(stop_after, std::ref(s), std::ref(server),
              dice.uniform(duration(200ms), duration(900ms)));
    co_return;
  });
  check_answers(s.now, was_calm);
}

}  // namespace

TEST_CASE("stop with busy handlers: what can be finished is, and what cannot is cut in time",
          "[scenario]") {
  play("stop", [](world& w) -> task<> {
    stage s(w);
    auto clearing = spawn([&]() -> task<> { return s.sky.clear_up(); });
    for (int n = 0; n < 3 || !s.sky.calm(); ++n) {
      co_await run_shift(s, w.random().fork(fmt::format("shift {}", n)));
    }
    co_await clearing;
    co_await run_shift(s, w.random().fork("the last"));
  });
}

}  // namespace stop_test
