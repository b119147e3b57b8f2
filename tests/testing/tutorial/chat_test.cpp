#include "chat.hpp"

#include <cetane/testing.hpp>
#include <cetane/testing/replace_new.hpp>

#include <catch2/catch_session.hpp>
#include <catch2/catch_test_macros.hpp>

#include <chrono>
#include <functional>
#include <string>

using namespace std::chrono_literals;
using namespace cetane::testing;

// [visit]
// What the room answers to the name; empty if the connection breaks before.
cetane::task<std::string> visit(std::string name, std::uint16_t port) {
  try {
    cetane::connection c = co_await cetane::connect("chat", port);
    co_await c.until("name?\n");
    co_await c.send(name, "\n");
    const std::string answer = co_await c.until_eol();
    co_await cetane::sleep(1s);
    co_return answer;
  } catch (const cetane::error&) {
    co_return "";
  }
}
// [/visit]

// [come_back]
TEST_CASE("who has left may come back") {
  simulate(200, [](world& w) -> cetane::task<> {
    room lobby;
    w.faults_are(faults::drawn(w.random()));
    const auto& server = w.serve(cetane::service(chat, 0, std::ref(lobby)));
    for (int i = 0; i < 5; ++i) co_await visit("anna", server.port());

    w.heal();
    co_await cetane::sleep(1s);
    const std::string answer = co_await visit("anna", server.port());
    REQUIRE(answer == "welcome\n");
  });
}
// [/come_back]

// [thank]
cetane::task<> thank(std::string name, std::string other, std::uint16_t port) {
  cetane::connection c = co_await cetane::connect("chat", port);
  co_await c.send(name, "\n");
  co_await c.until("welcome\n");
  co_await cetane::sleep(1s);  // until both are there
  co_await c.send("/thank ", other, "\n");
  co_await c.until("done\n");
  co_await cetane::sleep(1s);
}

TEST_CASE("two may thank each other at the same time") {
  simulate(100, [](world& w) -> cetane::task<> {
    room lobby;
    w.faults_are(faults().latency(0ms, 50ms));
    const auto& server = w.serve(cetane::service(chat, 0, std::ref(lobby)));
    co_await cetane::all(thank("anna", "bob", server.port()), thank("bob", "anna", server.port()));
  });
}
// [/thank]

// [everywhere]
cetane::task<> talk(world& w) {
  room lobby;
  const auto& server = w.serve(cetane::service(chat, 0, std::ref(lobby)));
  co_await visit("anna", server.port());
}

TEST_CASE("a visit may be cut short at any moment") { cancel_everywhere(talk); }

TEST_CASE("a visit may run out of memory at any moment") { fail_allocations(talk); }
// [/everywhere]

int main(int argc, char** argv) {
  cetane::log::set_level(cetane::log::level::error);  // what fails on purpose is no news
  return Catch::Session().run(argc, argv);
}
