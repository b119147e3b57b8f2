// The room example: what its members hear.

#include "room.hpp"

#include <app/app_fixture.hpp>

#include <vector>

namespace room_test {

using namespace cetane;
using namespace cetane::test;

namespace {

using strings = std::vector<std::string>;

// Enters, says three lines as soon as `together` are there, and gives what was said by anybody.
task<strings> talk(const service& where, std::string nick, countdown& together) {
  connection server = co_await connect_to(where);
  co_await server.until("your name? ");
  co_await server.send(nick, "\r\n");
  co_await server.until("joined\r\n");
  together.tick();
  co_await together.wait();
  for (int number = 0; number < 3; ++number) co_await server.print("line {}\r\n", number);

  strings heard;
  while (heard.size() < 3 * together.ticks()) {
    const std::string line = co_await server.until_eol();
    if (line.find(": line") != line.npos) heard.push_back(line);
  }
  co_return heard;
}

}  // namespace

TEST_CASE_METHOD(app_fixture, "all members hear all lines, and in the same order",
                 "[examples][room]") {
  ::room lobby;
  const service& served = app.add_service(service(::chat, 0, std::ref(lobby)));
  countdown together(3);
  std::tuple<strings, strings, strings> heard;

  run([&]() -> task<> {
    heard = co_await all(talk(served, "anna", together), talk(served, "bob", together),
                         talk(served, "carla", together));
  });

  const auto& [anna, bob, carla] = heard;
  REQUIRE(anna.size() == 9);
  REQUIRE(anna == bob);
  REQUIRE(anna == carla);
  REQUIRE(lobby.nicks.empty());
}

}  // namespace room_test
