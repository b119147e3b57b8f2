// The chat room under a network that splits and delays, in virtual time, 100 seeds. A failure
// prints its seed.
#include <examples/room.hpp>  // the room and chat() of the example

#include <cetane/testing.hpp>

#include <catch2/catch_test_macros.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace chat_room_test {

using namespace std::chrono_literals;
using namespace cetane::testing;

// [member]
cetane::task<> member(std::string nick, std::uint16_t port, std::vector<std::string>& heard) {
  cetane::connection c = co_await cetane::connect("chat", port);
  co_await c.until("name? ");
  co_await c.send(nick, "\r\n");
  for (int i = 0; i < 3; ++i) {
    co_await cetane::sleep(1h);  // virtual
    co_await c.send(fmt::format("line {} with enough words to need the heap\r\n", i));
  }
  while (heard.size() < 6) {
    const std::string line = co_await c.until_eol();
    if (line.find(": line") != line.npos) heard.push_back(line);
  }
}
// [/member]

// [test]
TEST_CASE("every member hears every line, and all in the same order", "[chat]") {
  simulate(100, [](world& w) -> cetane::task<> {
    room lobby;
    w.faults_are(faults().latency(0ms, 200ms).split_reads());
    const auto& server = w.serve(cetane::service(chat, 0, std::ref(lobby)));
    std::vector<std::string> anna, bob;

    co_await cetane::all(member("anna", server.port(), anna), member("bob", server.port(), bob));
    co_await cetane::sleep(1min);

    REQUIRE(anna == bob);
    REQUIRE(lobby.nicks.empty());
    REQUIRE(w.open_connections() == 0);
  });
}
// [/test]

}  // namespace chat_room_test
