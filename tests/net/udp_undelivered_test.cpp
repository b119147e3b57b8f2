// What somebody on the way says of a datagram that was sent: told of the address that it concerns,
// to nobody else, and nothing ends by it.

#include <net/udp_fixture.hpp>

#include <cetane/base/errors.hpp>
#include <cetane/conc/first.hpp>
#include <cetane/conc/timeout.hpp>

#include <catch2/matchers/catch_matchers_string.hpp>

namespace udp_undelivered_test {

using namespace cetane;
using namespace cetane::test;
using Catch::Matchers::ContainsSubstring;

TEST_CASE_METHOD(udp_fixture, "a client is told that nobody receives, and may go on",
                 "[net][udp][undelivered]") {
  run([]() -> task<> {
    const address nobody = deserted();
    udp_peer client = co_await connect_udp(nobody);

    for (int i = 0; i < 3; ++i) {
      co_await client.send("anybody?");
      const std::string why = co_await thrown_by(client.receive());
      REQUIRE_THAT(why, ContainsSubstring("receive from " + nobody.to_string()));
      REQUIRE_THAT(why, ContainsSubstring("connection refused"));
    }

    udp_socket somebody = udp_socket::bind(nobody);
    co_await client.send("and now?");
    const datagram asked = co_await somebody.receive();
    REQUIRE(asked.view() == "and now?");
    co_await somebody.send(asked.from, "yes");
    co_await hears(client, "yes");
  });
}

TEST_CASE_METHOD(udp_fixture, "a socket is told which datagram has not come to its place",
                 "[net][udp][undelivered]") {
  run([]() -> task<> {
    udp_socket here = any_socket();
    const address one = deserted();
    const address other = deserted();

    here.send(one, "to one");
    const std::optional<undelivered> first_note = co_await here.next_undelivered();
    here.send(other, "to the other");
    const std::optional<undelivered> second_note = co_await here.next_undelivered();
    REQUIRE(first_note);
    REQUIRE(second_note);
    REQUIRE(first_note->to == one);
    REQUIRE(first_note->why == std::errc::connection_refused);
    REQUIRE(second_note->to == other);
  });
}

TEST_CASE_METHOD(udp_fixture, "a datagram to one is not sent in vain because another refused its",
                 "[net][udp][undelivered]") {
  run([]() -> task<> {
    udp_socket here = any_socket();
    udp_socket there = any_socket();
    const address nobody = deserted();

    for (int i = 0; i < 50; ++i) {
      here.send(nobody, "into the void");
      here.send(there.local(), std::to_string(i));
    }

    const std::vector<std::string> heard = co_await receive_all(there, 50);
    for (std::size_t i = 0; i < heard.size(); ++i) REQUIRE(heard[i] == std::to_string(i));
  });
}

TEST_CASE_METHOD(udp_fixture, "who receives is not disturbed by what was not delivered",
                 "[net][udp][undelivered]") {
  run([]() -> task<> {
    udp_socket here = any_socket();
    udp_socket there = any_socket();
    const address nobody = deserted();

    for (int i = 0; i < 20; ++i) {
      there.send(here.local(), fmt::format("a{}", i));
      here.send(nobody, "into the void");
      there.send(here.local(), fmt::format("b{}", i));
      co_await hears(here, fmt::format("a{}", i));
      co_await hears(here, fmt::format("b{}", i));
    }
  });
}

TEST_CASE_METHOD(udp_fixture, "so many notes are kept, and the oldest go first",
                 "[net][udp][undelivered]") {
  run([]() -> task<> {
    udp_socket here = any_socket();
    std::vector<address> deserted_places;
    for (std::size_t i = 0; i < default_undelivered_limit + 6; ++i) {
      deserted_places.push_back(deserted());
      here.send(deserted_places.back(), "x");
      co_await sleep(1ms);
    }
    co_await sleep(10ms);

    for (std::size_t i = 6; i < deserted_places.size(); ++i) {
      const std::optional<undelivered> note = co_await here.next_undelivered();
      REQUIRE(note);
      REQUIRE(note->to == deserted_places[i]);
    }
    const auto more = co_await first(here.next_undelivered(), sleep(1ms));
    REQUIRE(std::get<1>(more));
  });
}

TEST_CASE_METHOD(udp_fixture, "a note that is waited for is an arm of first",
                 "[net][udp][undelivered]") {
  run([]() -> task<> {
    udp_socket here = any_socket();
    const address nobody = deserted();
    here.send(nobody, "anybody?");

    auto turn = co_await first(here.receive(), here.next_undelivered(), sleep(5s));
    auto& [heard, note, silent] = turn;
    REQUIRE_FALSE(heard);
    REQUIRE(note);
    REQUIRE(note->value().to == nobody);
  });
}

TEST_CASE_METHOD(udp_fixture, "what cannot be sent at all fails at the call, and alone",
                 "[net][udp][undelivered][not-sim]") {
  run([]() -> task<> {
    udp_socket here = any_socket();
    udp_socket there = any_socket();
    const address broadcast = *address::parse_ip("255.255.255.255", 9);
    try {
      here.send(broadcast, "hello, everybody");
      FAIL("sent to all without leave");
    } catch (const error& e) {
      REQUIRE(e.code() == std::errc::permission_denied);
      REQUIRE_THAT(e.what(), ContainsSubstring("send 16 bytes to 255.255.255.255:9"));
    }
    REQUIRE_FALSE(here.try_send(broadcast, "hello, everybody"));
    here.send(there.local(), "hello");
    co_await hears(there, "hello");
  });
}

TEST_CASE_METHOD(udp_fixture, "an address of another kind is refused for that datagram",
                 "[net][udp][undelivered]") {
  run([]() -> task<> {
    udp_socket here = any_socket();
    REQUIRE_THROWS_AS(here.send(*address::parse_ip("::1", 9), "x"), error);
    REQUIRE_THROWS_AS(here.send(address::unix_path("@nobody"), "x"), error);
    REQUIRE_THROWS_AS(here.send(address(), "x"), error);
    udp_socket there = any_socket();
    here.send(there.local(), "y");
    co_await hears(there, "y");
  });
}

TEST_CASE_METHOD(udp_fixture, "an IPv6 socket hears IPv4 peers, and is told what they refuse",
                 "[net][udp][undelivered]") {
  run([]() -> task<> {
    udp_socket here = udp_socket::bind("::", 0);
    udp_socket there = any_socket();

    there.send(*address::parse_ip("127.0.0.1", here.local().port()), "hello");
    const datagram asked = co_await here.receive();
    REQUIRE(asked.view() == "hello");
    REQUIRE(asked.from.family() == address_family::ipv6);
    here.send(asked.from, "and hello");
    co_await hears(there, "and hello");

    const address gone = asked.from;
    there.close();
    here.send(gone, "still there?");
    const auto note = co_await here.next_undelivered();
    REQUIRE(note);
    REQUIRE(note->to.port() == gone.port());
    REQUIRE(note->why == std::errc::connection_refused);
  });
}

}  // namespace udp_undelivered_test
