// A handler that waits for a line, for an item of a queue, and for the clock, all at once: what it
// takes is in order and complete, and what it does not take is still there.
#include <scenarios/weather.hpp>

#include <cetane/base/text.hpp>

#include <fmt/format.h>

#include <charconv>
#include <list>
#include <string>

namespace reads_race_test {

using namespace cetane;
using namespace cetane::test;
using testing::world;

namespace {

// One visit, seen from all sides.
struct desk {
  queue<std::size_t> news{4};
  std::size_t put = 0;         // news that were put in
  std::size_t taken = 0;       // news that the handler took
  std::size_t lines = 0;       // lines that it read
  std::size_t news_heard = 0;  // what the client got of both
  std::size_t answers = 0;
  bool ended_well = false;
};

struct stage {
  explicit stage(world& w) : sky(w) {}

  weather sky;
  std::uint16_t port = 0;
  std::list<desk> desks;
};

std::size_t number_in(std::string_view line) {
  const std::size_t space = line.find(' ');
  std::size_t number = ~std::size_t{0};
  if (space != line.npos)
    std::from_chars(line.data() + space + 1, line.data() + line.size(), number);
  return number;
}

task<> serve(connection& peer, stage& s) {
  const std::size_t at = number_in(co_await peer.until_eol());
  desk& mine = *std::next(s.desks.begin(), static_cast<std::ptrdiff_t>(at));
  for (;;) {
    auto turn = co_await first(peer.until_eol(), mine.news.get(), sleep(15ms));
    auto& [line, item, tick] = turn;
    expect(line.has_value() + item.has_value() + tick == 1, "not one thing happened but more");
    if (line && *line == "quit\n") co_return;
    if (line) {
      expect(number_in(*line) == mine.lines++, "a line is missing, doubled, or out of place");
      co_await peer.print("answer {}\n", mine.lines - 1);
    }
    if (item) {
      expect(*item == mine.taken++, "an item is missing, doubled, or out of place");
      co_await peer.print("news {}\n", *item);
    }
    if (tick) co_await peer.send("tick\n");
  }
}

task<> bring_news(desk& to, random_stream dice) {
  for (;;) {
    co_await to.news.put(to.put);
    ++to.put;
    co_await sleep(dice.uniform(duration(0ms), duration(25ms)));
  }
}

void note(desk& mine, std::string_view line) {
  if (line.starts_with("news ")) {
    expect(number_in(line) == mine.news_heard++, "news are missing, doubled, or out of place");
  } else if (line.starts_with("answer ")) {
    expect(number_in(line) == mine.answers++, "an answer is missing, doubled, or out of place");
  } else {
    expect(line == "tick", "a line was invented");
  }
}

task<> converse(connection& server, desk& mine, random_stream& dice) {
  const std::size_t count = dice.uniform(8, 16);
  std::size_t said = 0;
  while (mine.answers < count) {
    const duration pause = said < count ? dice.uniform(duration(0ms), duration(20ms)) : 1h;
    auto turn = co_await first(server.until_eol(), sleep(pause));
    auto& [line, time] = turn;
    if (line) note(mine, trim(*line));
    if (time) co_await server.send(numbered_line(dice, "line", said++));
  }
  co_await server.send("quit\n");
  while (auto line = co_await server.next_line()) note(mine, *line);
  mine.ended_well = true;
}

task<> visit_once(stage& s, random_stream& dice) {
  connection server = co_await reach(s.port);
  const std::size_t number = s.desks.size();
  desk& mine = s.desks.emplace_back();
  co_await server.print("desk {}\n", number);
  auto bringer = spawn(bring_news, std::ref(mine), dice.fork("news"));
  const scope_exit stop([&] { bringer.cancel(); });
  co_await converse(server, mine, dice);
}

task<> visit(stage& s, random_stream dice) {
  for (std::uint64_t left = dice.uniform(1, 3); left > 0; --left) {
    try {
      co_await visit_once(s, dice);
    } catch (const connection_error&) {
    }
  }
  co_await s.sky.wait_until_calm();
  co_await visit_once(s, dice);
}

void check(const desk& each) {
  expect(each.taken + each.news.size() == each.put, "an item was lost, or doubled");
  expect(each.news_heard <= each.taken && each.answers <= each.lines, "something was invented");
  if (!each.ended_well) return;
  expect(each.news_heard == each.taken, "an item was taken and not passed on");
  expect(each.answers == each.lines, "a line was taken and not answered");
}

}  // namespace

TEST_CASE("line reads raced with a queue and a timer: the losers have consumed nothing",
          "[scenario]") {
  play("reads race", [](world& w) -> task<> {
    stage s(w);
    const auto& server = w.serve(service(serve, 0, std::ref(s)));
    s.port = server.port();
    co_await with_group([&](group& all) -> task<> {
      all.spawn(visit, std::ref(s), w.random().fork("one"));
      all.spawn(visit, std::ref(s), w.random().fork("two"));
      all.spawn([&]() -> task<> { return s.sky.clear_up(); });
      co_return;
    });
    while (server.connections() > 0) co_await sleep(1ms);
    for (const desk& each : s.desks) check(each);
  });
}

}  // namespace reads_race_test
