// A pool of connections to a server that is away now and then: who cannot connect hears of it, who
// can gets answers to its own questions, and no place in the pool is ever lost.
#include <scenarios/weather.hpp>

#include <fmt/format.h>

#include <optional>
#include <string>

namespace pool_test {

using namespace cetane;
using namespace cetane::test;
using testing::world;

namespace {

constexpr std::size_t most_open = 3;

task<connection> connect_quickly(std::uint16_t port) {
  co_return co_await connect("server", port).timeout(300ms);
}

struct stage {
  explicit stage(world& w) : over(w), sky(w) {}

  world& over;
  weather sky;
  std::uint16_t port = 0;
  std::optional<pool<connection>> connections;
  std::size_t leased = 0;
  std::size_t refused = 0;
};

task<> answer(connection& peer) {
  while (auto question = co_await peer.next_line()) co_await peer.send("to ", *question, "\n");
}

task<> ask(stage& s, std::string question) {
  auto lease = co_await s.connections->acquire();
  expect(++s.leased <= most_open, "more are open than may be");
  const scope_exit back([&] { --s.leased; });
  co_await lease->send(question);
  const std::string reply = co_await lease->until_eol();
  expect(reply == "to " + question, "a reply is not to the question asked");
}

// Some lose their patience while they wait for a place, for a connection, or for the answer.
task<bool> try_to_ask(stage& s, std::string question, std::optional<duration> patience) {
  try {
    if (!patience) {
      co_await ask(s, question);
      co_return true;
    }
    const bool in_time = co_await move_on_after(*patience, ask(s, question));
    co_return in_time;
  } catch (const connect_error&) {
    ++s.refused;
  } catch (const connection_error&) {
  }
  co_return false;
}

task<> use(stage& s, std::string name, random_stream dice) {
  std::size_t number = 0;
  for (std::uint64_t left = dice.uniform(12, 24); left > 0; --left) {
    std::optional<duration> patience;
    if (dice.chance(0.3)) patience = dice.uniform(duration(0ms), duration(200ms));
    co_await try_to_ask(s, numbered_line(dice, name, number++), patience);
    co_await sleep(dice.uniform(duration(0ms), duration(50ms)));
  }
  co_await s.sky.wait_until_calm();
  int tries = 0;  // what is idle in the pool may be broken by now
  while (!co_await try_to_ask(s, numbered_line(dice, name, number++), std::nullopt)) {
    expect(++tries < 20, "the pool does not recover");
    co_await sleep(20ms);
  }
}

task<> serve_for(stage& s, duration span) {
  const auto& server = s.over.serve(service(answer, s.port));
  s.port = server.port();  // the same again the next time
  co_await sleep(span);
}

// The server is there, away, there again; in the end it stays.
task<> come_and_go(stage& s, group& guests, random_stream dice) {
  while (!s.sky.calm()) {
    co_await serve_for(s, dice.uniform(duration(50ms), duration(400ms)));
    co_await sleep(dice.uniform(duration(0ms), duration(100ms)));
  }
  const auto& server = s.over.serve(service(answer, s.port));
  while (guests.size() > 0) co_await sleep(1ms);
  static_cast<void>(server);
}

}  // namespace

TEST_CASE("pool with failing connect: no place is lost, and every reply is to its question",
          "[scenario]") {
  play("failing connect", [](world& w) -> task<> {
    stage s(w);
    co_await serve_for(s, 1ms);
    s.connections.emplace([&s] { return connect_quickly(s.port); },
                          pool_limits().open(most_open).idle(2));
    auto clearing = spawn([&]() -> task<> { return s.sky.clear_up(); });
    co_await with_group([&](group& all) -> task<> {
      for (const char* const name : {"anna", "bob", "carl", "dora", "emil"}) {
        all.spawn(use, std::ref(s), std::string(name), w.random().fork(name));
      }
      co_await come_and_go(s, all, w.random().fork("server"));
    });
    co_await clearing;
    expect(s.connections->in_use() == 0, "a place in the pool was lost");
    s.connections.reset();
  });
}

}  // namespace pool_test
