// Subscribers that are slower than what is published: each loses what its policy says, is told how
// much, and hears the rest in order.
#include <scenarios/weather.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace fanout_test {

using namespace cetane;
using namespace cetane::test;
using testing::world;
using numbers = std::vector<std::uint64_t>;

namespace {

enum class kind : std::uint8_t { oldest_goes, newest_goes, shown_out };

// One subscriber, at both ends of its connection.
struct listener {
  kind what{};
  std::uint64_t first = 0;  // what is published after it has come
  std::uint64_t end = 0;    // what would be next when it leaves
  std::uint64_t lost = 0;
  std::uint64_t waiting = 0;  // what it has not taken
  numbers taken;
  numbers heard;      // by the client
  int called = 0;     // the function of who is shown out
  bool fell = false;  // fell_behind was thrown
  bool over = false;  // everything was said
  bool heard_all = false;
};

struct stage {
  explicit stage(world& w)
      : sky(w), dice(w.random().fork("stage")), talk(std::make_unique<fanout<std::uint64_t>>()) {}

  weather sky;
  random_stream dice;
  std::uint16_t port = 0;
  std::list<listener> listeners;
  std::uint64_t published = 0;
  std::unique_ptr<fanout<std::uint64_t>> talk;
};

subscription<std::uint64_t> subscribe(stage& s, listener& mine) {
  const std::size_t limit = s.dice.uniform(1, 6);
  switch (mine.what) {
    case kind::oldest_goes:
      return s.talk->subscribe(limit, when_full::drop_oldest);
    case kind::newest_goes:
      return s.talk->subscribe(limit, when_full::drop_newest);
    case kind::shown_out:
      break;
  }
  return s.talk->subscribe(limit, [&mine] { ++mine.called; });
}

task<> pass_on(connection& peer, subscription<std::uint64_t>& from, listener& mine,
               random_stream dice) {
  while (auto number = co_await from.next()) {
    mine.taken.push_back(*number);
    co_await peer.print("{}\n", *number);
    co_await sleep(dice.uniform(duration(0ms), duration(12ms)));
  }
  mine.over = true;
  co_await peer.send("over\n");
}

task<> serve(connection& peer, stage& s) {
  const std::string wanted = co_await peer.until_eol();
  const std::size_t number = std::stoul(wanted);
  listener& mine = *std::next(s.listeners.begin(), static_cast<std::ptrdiff_t>(number));
  mine.first = mine.end = s.published;
  if (s.talk == nullptr) {  // it comes too late
    co_await peer.send("over\n");
    co_return;
  }
  auto from = subscribe(s, mine);
  const scope_exit leave([&] {
    mine.end = s.published;
    mine.lost = from.lost();
    mine.waiting = from.size();
  });
  try {
    co_await pass_on(peer, from, mine, s.dice.fork(wanted));
  } catch (const fell_behind&) {
    mine.fell = true;
    peer.try_send("too slow\n");
  }
}

task<> listen_once(stage& s, random_stream& dice) {
  connection server = co_await reach(s.port);
  const std::size_t number = s.listeners.size();
  listener& mine = s.listeners.emplace_back();
  mine.what = static_cast<kind>(dice.uniform(0, 2));
  co_await server.print("{}\n", number);
  for (;;) {
    const std::string line = co_await server.until_eol();
    mine.heard_all = line == "over\n" || line == "too slow\n";
    if (mine.heard_all) co_return;
    mine.heard.push_back(std::stoull(line));
  }
}

task<> listen(stage& s, random_stream dice) {
  while (!s.sky.calm()) {
    try {
      co_await listen_once(s, dice);
    } catch (const connection_error&) {
    }
  }
  co_await listen_once(s, dice);
}

// In bursts, so that some are too slow and some are not; for a while after the weather has cleared.
task<> publish(stage& s, random_stream dice) {
  const auto burst = [&] {
    for (std::uint64_t left = dice.uniform(1, 4); left > 0; --left) s.talk->publish(s.published++);
    return dice.uniform(duration(1ms), duration(40ms));
  };
  while (!s.sky.calm()) co_await sleep(burst());
  for (int n = 0; n < 40; ++n) co_await sleep(burst());
  s.talk.reset();
}

bool is_run(const numbers& all) {
  return std::adjacent_find(all.begin(), all.end(), [](auto a, auto b) { return b != a + 1; }) ==
         all.end();
}

void check(const listener& each) {
  const std::uint64_t published = each.end - each.first;
  expect(std::adjacent_find(each.taken.begin(), each.taken.end(), std::greater_equal<>()) ==
             each.taken.end(),
         "a message is doubled, or out of place");
  if (!each.taken.empty()) {
    expect(each.taken.front() >= each.first && each.taken.back() < each.end,
           "a message was invented");
  }
  if (each.what == kind::shown_out) {
    expect(is_run(each.taken), "who is not too slow has lost something");
    expect(each.called <= 1 && (!each.fell || each.called == 1), "it was not told once");
  } else {
    expect(each.taken.size() + each.lost + each.waiting == published, "the sum is wrong");
  }
  if (each.what == kind::oldest_goes && each.over && !each.taken.empty()) {
    expect(each.taken.back() == each.end - 1, "the last message was lost");
  }
  expect(each.heard.size() <= each.taken.size() &&
             std::equal(each.heard.begin(), each.heard.end(), each.taken.begin()),
         "the client has heard something else");
  if (each.heard_all) expect(each.heard.size() == each.taken.size(), "the client has missed some");
}

}  // namespace

TEST_CASE("fanout overflow: who is too slow loses what was agreed, and nothing else",
          "[scenario]") {
  play("fanout overflow", [](world& w) -> task<> {
    stage s(w);
    const auto& server = w.serve(service(serve, 0, std::ref(s)));
    s.port = server.port();
    co_await with_group([&](group& all) -> task<> {
      for (const char* const name : {"one", "two", "three"}) {
        all.spawn(listen, std::ref(s), w.random().fork(name));
      }
      all.spawn(publish, std::ref(s), w.random().fork("publisher"));
      all.spawn([&]() -> task<> { return s.sky.clear_up(); });
      co_return;
    });
    while (server.connections() > 0) co_await sleep(1ms);
    for (const listener& each : s.listeners) check(each);
  });
}

}  // namespace fanout_test
