// The chat room of the examples: every member hears a piece of one and the same conversation,
// without a gap, from the moment when it joined.
#include <examples/room.hpp>

#include <scenarios/weather.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace chat_test {

using namespace cetane;
using namespace cetane::test;
using testing::world;
using text_lines = std::vector<std::string>;

namespace {

struct stage {
  explicit stage(world& w) : sky(w) {}

  room lobby;
  subscription<std::string> recorder = lobby.talk.subscribe(1'000'000);
  weather sky;
  std::uint16_t port = 0;
  std::vector<text_lines> pieces;  // what each member has heard
  std::size_t said = 0;            // by members that came to the end of what they had to say
};

// Says so many lines, one now and then, and listens until it has heard the last of them.
task<> talk(connection& c, random_stream& dice, std::string nick, text_lines& heard) {
  const std::size_t count = dice.uniform(4, 8);
  const std::string last = fmt::format("{}: line {}\r\n", nick, count - 1);
  std::size_t said = 0;
  while (heard.empty() || heard.back() != last) {
    const duration pause = said < count ? dice.uniform(duration(1ms), duration(60ms)) : 1h;
    auto turn = co_await first(c.until_eol(), sleep(pause));
    auto& [line, time] = turn;
    if (line) heard.push_back(std::move(*line));
    if (time) co_await c.print("line {}\r\n", said++);
  }
}

task<> visit_once(stage& s, random_stream& dice, std::string nick) {
  connection c = co_await reach(s.port);
  text_lines heard;
  const scope_exit keep([&] { s.pieces.push_back(heard); });
  co_await c.until("name? ");
  co_await c.send(nick, "\r\n");
  co_await talk(c, dice, nick, heard);
  ++s.said;
}

task<> visit(stage& s, random_stream dice, std::string name) {
  for (std::uint64_t left = dice.uniform(1, 3); left > 0; --left) {
    try {
      co_await visit_once(s, dice, fmt::format("{}{}", name, left));
    } catch (const connection_error&) {
    }
  }
  co_await s.sky.wait_until_calm();
  const std::size_t said = s.said;
  co_await visit_once(s, dice, name);
  expect(s.said > said, "the last visit is not counted");
}

text_lines take_all(subscription<std::string>& from) {
  text_lines all;
  while (auto line = from.try_get()) all.push_back(std::move(*line));
  return all;
}

// A piece begins where its member has joined, which happens once under each name.
void check_piece(const text_lines& all, const text_lines& piece) {
  if (piece.empty()) return;
  expect(piece.front().ends_with(" joined\r\n"), "a member has heard what was said before it came");
  const auto begin = std::find(all.begin(), all.end(), piece.front());
  expect(static_cast<std::size_t>(all.end() - begin) >= piece.size(),
         "a member has heard too much");
  expect(std::equal(piece.begin(), piece.end(), begin), "a member has heard something else");
}

// What one nick has said is in its order, each line once.
void check_speakers(const text_lines& all) {
  std::map<std::string, std::size_t> next;
  for (const std::string& line : all) {
    const std::size_t colon = line.find(": line ");
    if (colon == line.npos) continue;
    const std::size_t number = std::stoul(line.substr(colon + 7));
    expect(number == next[line.substr(0, colon)]++, "a line is missing, doubled, or out of place");
  }
}

}  // namespace

TEST_CASE("chat: everybody hears the same, in the same order, without a gap", "[scenario]") {
  play("chat", [](world& w) -> task<> {
    stage s(w);
    const auto& server = w.serve(service(chat, 0, std::ref(s.lobby)));
    s.port = server.port();
    co_await with_group([&](group& all) -> task<> {
      for (const char* const name : {"anna", "bob", "carl"}) {
        all.spawn(visit, std::ref(s), w.random().fork(name), std::string(name));
      }
      all.spawn([&]() -> task<> { return s.sky.clear_up(); });
      co_return;
    });
    while (server.connections() > 0) co_await sleep(1ms);

    expect(s.lobby.nicks.empty(), "somebody has left who is still in the room");
    const text_lines all = take_all(s.recorder);
    for (const text_lines& piece : s.pieces) check_piece(all, piece);
    check_speakers(all);
  });
}

}  // namespace chat_test
