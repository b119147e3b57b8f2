// A proxy that passes on the end of each direction by itself, as the forward example does: what
// goes in comes out, to the last byte, and the reply comes after the end of the question.
#include <scenarios/weather.hpp>

#include <algorithm>
#include <string>

namespace proxy_test {

using namespace cetane;
using namespace cetane::test;
using testing::world;

namespace {

struct stage {
  explicit stage(world& w) : sky(w) {}

  weather sky;
  std::uint16_t server = 0;
  std::uint16_t proxy = 0;
};

std::string reply_to(std::string question) {
  std::reverse(question.begin(), question.end());
  return question;
}

// Answers when the question has come to its end, not before.
task<> turn_round(connection& peer) {
  const std::string question = co_await peer.until_eof();
  co_await peer.send(reply_to(question));
}

// When one of both has gone, the other goes, too.
task<> pump(connection& from, connection& to) {
  try {
    while (auto chunk = co_await from.next_chunk()) co_await to.send(*chunk);
    co_await to.send_eof();
  } catch (const connection_error&) {
    from.abort("the other side has gone");
    to.abort("the other side has gone");
  }
}

task<> forward(connection& client, stage& s) {
  connection server;
  try {
    server = co_await connect("server", s.server).timeout(1s);
  } catch (const connect_error&) {
    client.abort("there is no server");
    co_return;
  }
  co_await all(pump(client, server), pump(server, client));
}

// In pieces, some of which wait for room; the reply may not begin before the end.
task<> send_in_pieces(connection& to, const std::string& question, random_stream& dice) {
  std::size_t sent = 0;
  while (sent < question.size()) {
    const std::size_t size = std::min<std::size_t>(dice.uniform(1, 1500), question.size() - sent);
    co_await to.send(std::string_view(question).substr(sent, size));
    sent += size;
    if (dice.chance(0.3)) co_await sleep(dice.uniform(duration(0ms), duration(10ms)));
  }
  co_await to.send_eof();
}

// So long that also a connection which has room for one byte only, and half a millisecond each way,
// is done with it and its reply while the network is a good one.
std::string draw_question(random_stream& dice) {
  std::string text(dice.uniform(0, 3000), '\0');
  for (char& each : text) each = static_cast<char>(dice.next());
  return text;
}

task<> ask_once(stage& s, random_stream& dice) {
  connection proxy = co_await reach(s.proxy);
  const std::string question = draw_question(dice);
  co_await send_in_pieces(proxy, question, dice);
  const std::string reply = co_await proxy.until_eof();
  expect(reply == reply_to(question), "the bytes that came are not those that should");
}

// What came before a connection broke is a beginning of the whole.
task<> try_to_ask(stage& s, random_stream& dice) {
  try {
    co_await ask_once(s, dice);
  } catch (const connection_error&) {
  }
}

task<> visit(stage& s, random_stream dice) {
  for (std::uint64_t left = dice.uniform(3, 5); left > 0; --left) co_await try_to_ask(s, dice);
  co_await s.sky.wait_until_calm();
  co_await ask_once(s, dice);
}

}  // namespace

TEST_CASE("half-closing proxy: each direction ends by itself, and not a byte is lost",
          "[scenario]") {
  play("half-closing proxy", [](world& w) -> task<> {
    stage s(w);
    const auto& server = w.serve(service(turn_round, 0));
    const auto& proxy = w.serve(service(forward, 0, std::ref(s)));
    s.server = server.port();
    s.proxy = proxy.port();
    co_await with_group([&](group& all) -> task<> {
      for (const char* const name : {"one", "two", "three", "four"}) {
        all.spawn(visit, std::ref(s), w.random().fork(name));
      }
      all.spawn([&]() -> task<> { return s.sky.clear_up(); });
      co_return;
    });
  });
}

}  // namespace proxy_test
