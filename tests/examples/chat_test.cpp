// The chat example, compiled into this test: its parts, and what would take too long, or too much
// luck, on a real network.

#include <support/test_loop.hpp>

#include <cetane/cetane.hpp>

#include <catch2/catch_test_macros.hpp>

#include <set>

#define main chat_main  // a program has one main, and this one has Catch2's
#include "../../examples/chat.cpp"

#undef main

namespace cetane::test {
namespace {

const std::string question_line = "welcome to cetane chat, what is your name?";

/// A room that is served on a loop of its own.
struct served_room {
  served_room() : server(chat, 0, std::ref(lobby)) { server.start(loop); }

  room lobby;
  test_loop loop;
  service server;
};

time_point now() { return event_loop::current()->now(); }

// Says `name` when asked, and then nothing. Gives how long the server put up with it.
task<duration> stay_silent(std::uint16_t port, std::string name) {
  connection server = co_await connect("127.0.0.1", port);
  const time_point begin = now();
  if (!name.empty()) co_await server.send(name, "\r\n");
  const auto everything = co_await move_on_after(1h, server.until_eof());
  if (!everything) co_return duration::max();
  co_return now() - begin;
}

// Says a bad name every ten seconds.
task<duration> insist(std::uint16_t port) {
  connection server = co_await connect("127.0.0.1", port);
  const time_point begin = now();
  for (;;) {
    if (!server.try_send("no good name\r\n")) break;
    if (co_await move_on_after(10s, server.until_eof())) break;
  }
  co_return now() - begin;
}

// Enters, says three lines in the course of three hours, and gives what the others said.
task<> converse(std::string name, std::uint16_t port, std::vector<std::string>& heard) {
  connection server = co_await connect("127.0.0.1", port);
  co_await server.send(name, "\r\n");
  for (int number = 1; number <= 3; ++number) {
    co_await sleep(1h);
    co_await server.print("line {}\r\n", number);
  }
  co_await sleep(1h);
  co_await server.send("/quit\r\n");
  while (auto line = co_await server.next_line()) heard.push_back(*line);
}

// Talks while a member does not read, until that has left the room. Gives how many bytes were for
// it.
task<std::size_t> talk_to_the_deaf(std::uint16_t port, room& lobby) {
  connection deaf = co_await connect("127.0.0.1", port);
  co_await deaf.send("deaf\r\n");
  connection talker = co_await connect("127.0.0.1", port);
  co_await talker.send("talker\r\n");
  co_await sleep(1s);

  const std::string line(4000, 'x');
  std::size_t said = 0;
  while (lobby.size() == 2 && said < 16_MiB) {
    co_await talker.send(line, "\r\n");
    said += std::string_view("talker: \r\n").size() + line.size();
    co_await sleep(10ms);
  }
  co_return said;
}

}  // namespace

TEST_CASE("who says no name is let go after 60 s, not before", "[examples][chat][not-epoll]") {
  served_room room;

  const duration stayed = room.loop.run(stay_silent, room.server.port(), std::string());

  REQUIRE(stayed >= 60s);
  REQUIRE(stayed < 60s + 10ms);
  REQUIRE(room.lobby.size() == 0);
}

TEST_CASE("bad names buy no time", "[examples][chat][not-epoll]") {
  served_room room;

  const duration stayed = room.loop.run(insist, room.server.port());

  REQUIRE(stayed >= 60s);
  REQUIRE(stayed < 70s);
}

TEST_CASE("who has a name may be silent for ever", "[examples][chat][not-epoll]") {
  served_room room;

  const duration stayed = room.loop.run(stay_silent, room.server.port(), std::string("anna"));

  REQUIRE(stayed == duration::max());
}

TEST_CASE("members hear all lines of the others, each in its order",
          "[examples][chat][not-epoll]") {
  served_room room;
  std::vector<std::string> anna;
  std::vector<std::string> bob;

  auto first = room.loop.spawn(converse, "anna", room.server.port(), std::ref(anna));
  auto second = room.loop.spawn(converse, "bob", room.server.port(), std::ref(bob));
  room.loop.loop().run_until([&] { return first.done() && second.done(); });

  const auto from = [](const std::vector<std::string>& heard, std::string_view who) {
    std::vector<std::string> lines;
    for (const std::string& line : heard) {
      if (line.starts_with(who)) lines.push_back(line.substr(who.size()));
    }
    return lines;
  };
  const std::vector<std::string> all{"line 1", "line 2", "line 3"};
  REQUIRE(from(anna, "bob: ") == all);
  REQUIRE(from(bob, "anna: ") == all);
  REQUIRE(from(anna, "anna: ").empty());
  REQUIRE(anna.front() == question_line);
  REQUIRE(room.lobby.size() == 0);
}

TEST_CASE("a member is shown out when more than 256 KiB wait, not before",
          "[examples][chat][not-epoll]") {
  constexpr std::size_t on_the_way =
      3 * 64_KiB;  // the sender's buffer, the receiver's, and what that reads ahead
  served_room room;

  const std::size_t said =
      room.loop.run(talk_to_the_deaf, room.server.port(), std::ref(room.lobby));

  REQUIRE(said > 256_KiB);
  REQUIRE(said < 256_KiB + on_the_way + 8_KiB);
  REQUIRE(room.lobby.names() == "talker");
}

TEST_CASE("control characters become question marks, one each", "[examples][chat]") {
  REQUIRE(without_controls("plain text") == "plain text");
  REQUIRE(without_controls("\x1b[2J\x07\x7f") == "?[2J??");
  REQUIRE(without_controls("\xC2\x80\xC2\x9F\xC2\xA0") == "??\xC2\xA0");
  REQUIRE(without_controls("\xC2\xC2\x85") == "\xC2?");
  REQUIRE(without_controls("ends with \xC2") == "ends with \xC2");
  REQUIRE(without_controls(std::string_view("\0\n\r\t", 4)) == "????");
  REQUIRE(without_controls("\x80\x9F\xFF") == "\x80\x9F\xFF");
}

TEST_CASE("a room objects to names that are too long, odd or taken", "[examples][chat]") {
  room lobby;

  REQUIRE(lobby.objection_to("").find("1 to 20") != std::string_view::npos);
  REQUIRE(lobby.objection_to(std::string(21, 'x')).find("1 to 20") != std::string_view::npos);
  REQUIRE(lobby.objection_to("two words").find("letters") != std::string_view::npos);
  REQUIRE(lobby.objection_to("\xC3\xA4").find("letters") != std::string_view::npos);
  REQUIRE(lobby.objection_to(std::string(20, 'x')).empty());
  REQUIRE(lobby.objection_to("Aa0-_.").empty());
}

}  // namespace cetane::test
