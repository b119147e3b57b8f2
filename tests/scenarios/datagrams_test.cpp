// Clients that ask over UDP, and ask again until they are answered: each session of the server
// hears one client alone, whatever is lost, doubled, late or cut, and each ends.
#include <scenarios/weather.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace datagrams_test {

using namespace cetane;
using namespace cetane::test;
using testing::world;

namespace {

struct stage {
  explicit stage(world& w) : sky(w) {}

  weather sky;
  std::uint16_t port = 0;
};

std::string_view first_word(std::string_view of) { return of.substr(0, of.find(' ')); }

std::string answer_to(std::string_view question) {
  std::string text(question);
  std::reverse(text.begin(), text.end());
  return text;
}

// Knows its client by the first question that came whole.
task<> answer(udp_peer& peer) {
  std::string client;
  while (const auto question = co_await peer.next()) {
    if (question->truncated) continue;
    if (client.empty()) client = first_word(question->view());
    expect(first_word(question->view()) == client, "a session hears another one's client");
    expect(question->from == peer.remote(), "a session hears another address");
    co_await peer.send(answer_to(question->view()));
  }
}

// The answer to this question, or nothing if none comes for a while. What comes late or twice is
// the answer to an earlier one.
task<std::optional<std::string>> hear(udp_peer& server, std::string_view question,
                                      std::string_view name) {
  const std::string wanted = answer_to(question);
  for (const time_point last = event_loop::current()->now() + 300ms;;) {
    const duration left = last - event_loop::current()->now();
    auto heard = co_await move_on_after(left, server.receive());
    if (!heard) co_return std::nullopt;
    if (heard->truncated) continue;
    expect(first_word(answer_to(heard->view())) == name, "an answer to another client has come");
    if (heard->view() == wanted) co_return std::string(*heard);
  }
}

task<> ask(udp_peer& server, random_stream& dice, std::string name, std::size_t number) {
  const std::string question = numbered_line(dice, name, number, 300);
  for (;;) {
    co_await server.send(question);
    if (co_await hear(server, question, name)) co_return;
  }
}

task<> visit(stage& s, random_stream dice, std::string name) {
  std::size_t asked = 0;
  for (std::uint64_t visits = dice.uniform(2, 4); visits > 0; --visits) {
    udp_peer server = co_await connect_udp("server", s.port);
    for (std::uint64_t left = dice.uniform(5, 15); left > 0; --left)
      co_await ask(server, dice, name, asked++);
    if (dice.chance(0.5)) co_await sleep(dice.uniform(duration(0ms), duration(500ms)));
  }
  co_await s.sky.wait_until_calm();
  udp_peer server = co_await connect_udp("server", s.port);
  for (int i = 0; i < 5; ++i) {
    const std::string question = numbered_line(dice, name, asked++);
    co_await server.send(question);
    const auto heard = co_await hear(server, question, name);
    expect(heard.has_value(), "a question or an answer is lost though all is well");
  }
}

}  // namespace

TEST_CASE("datagrams: no session hears another one's client, and every one ends", "[scenario]") {
  play("datagrams", [](world& w) -> task<> {
    stage s(w);
    const auto& server = w.serve(udp_session_service(answer, 0).idle_timeout(700ms));
    s.port = server.port();
    co_await with_group([&](group& all) -> task<> {
      for (const char* const name : {"anna", "bob", "carl", "dora"}) {
        all.spawn(visit, std::ref(s), w.random().fork(name), std::string(name));
      }
      all.spawn([&]() -> task<> { return s.sky.clear_up(); });
      co_return;
    });
    while (server.connections() > 0) co_await sleep(10ms);
  });
}

}  // namespace datagrams_test
