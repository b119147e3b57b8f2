// Clients that send lines to an echo server, a few ahead of its answers: each answer is right, in
// its turn, and there is none too many.
#include <scenarios/weather.hpp>

#include <string>
#include <vector>

namespace echo_test {

using namespace cetane;
using namespace cetane::test;
using testing::world;

namespace {

task<> echo(connection& peer) {
  for (;;) {
    const std::string line = co_await peer.until_eol();
    if (line == "quit\n") co_return;
    co_await peer.send("you said ", line);
  }
}

struct stage {
  explicit stage(world& w) : sky(w) {}

  weather sky;
  std::uint16_t port = 0;
};

task<> converse(connection& server, random_stream& dice, std::string name) {
  const std::size_t count = dice.uniform(6, 12);
  const std::size_t ahead = dice.uniform(1, 4);
  std::vector<std::string> sent;
  for (std::size_t answered = 0; answered < count; ++answered) {
    while (sent.size() < std::min(count, answered + ahead)) {
      sent.push_back(numbered_line(dice, name, sent.size(), 200));
      co_await server.send(sent.back());
    }
    const std::string answer = co_await server.until_eol();
    expect(answer == "you said " + sent[answered], "an answer is not to the question asked");
  }
  co_await server.send("quit\n");
  const std::string rest = co_await server.until_eof();
  expect(rest.empty(), "there is more than was asked for");
}

task<> converse_once(stage& s, random_stream& dice, std::string name) {
  connection server = co_await reach(s.port);
  co_await converse(server, dice, name);
}

task<> visit(stage& s, random_stream dice, std::string name) {
  for (std::uint64_t left = dice.uniform(2, 4); left > 0; --left) {
    try {
      co_await converse_once(s, dice, name);
    } catch (const connection_error&) {
    }
  }
  co_await s.sky.wait_until_calm();
  co_await converse_once(s, dice, name);
}

}  // namespace

TEST_CASE("echo: every answer is right, in its turn, and none is too many", "[scenario]") {
  play("echo", [](world& w) -> task<> {
    stage s(w);
    const auto& server = w.serve(service(echo, 0));
    s.port = server.port();
    co_await with_group([&](group& all) -> task<> {
      for (const char* const name : {"anna", "bob", "carl"}) {
        all.spawn(visit, std::ref(s), w.random().fork(name), std::string(name));
      }
      all.spawn([&]() -> task<> { return s.sky.clear_up(); });
      co_return;
    });
  });
}

}  // namespace echo_test
