// Datagrams to many: multicast groups, broadcast, and several sockets on one port.

#include <net/udp_fixture.hpp>

#include <cetane/base/errors.hpp>
#include <cetane/conc/timeout.hpp>

#include <catch2/matchers/catch_matchers_string.hpp>

namespace udp_group_test {

using namespace cetane;
using namespace cetane::test;
using Catch::Matchers::ContainsSubstring;

namespace {

// On the loopback interface, whatever other networks the machine has.
const address loopback = *address::parse_ip("127.0.0.1", 0);

address group(std::uint16_t port) { return *address::parse_ip("239.255.77.1", port); }

}  // namespace

TEST_CASE_METHOD(udp_fixture, "who has joined a group hears what is sent to it, until it leaves",
                 "[net][udp][group]") {
  run([]() -> task<> {
    udp_socket one = udp_socket::bind("0.0.0.0", 0, port_sharing::to_all);
    const std::uint16_t port = one.local().port();
    udp_socket two = udp_socket::bind("0.0.0.0", port, port_sharing::to_all);
    udp_socket sender = udp_socket::bind("127.0.0.1", 0);
    one.join(group(0), loopback);
    two.join(group(0), loopback);

    sender.send(group(port), "to all");
    co_await hears(one, "to all");
    co_await hears(two, "to all");

    two.leave(group(0), loopback);
    sender.send(group(port), "to one");
    co_await hears(one, "to one");
  });
}

TEST_CASE_METHOD(udp_fixture, "a group that is none, or is not joined, is refused",
                 "[net][udp][group]") {
  run([]() -> task<> {
    udp_socket here = udp_socket::bind("0.0.0.0", 0);
    REQUIRE_THROWS_WITH(here.join(*address::parse_ip("127.0.0.1", 0)),
                        ContainsSubstring("join the group 127.0.0.1"));
    REQUIRE_THROWS_WITH(here.leave(group(0), loopback), ContainsSubstring("leave the group"));
    co_return;
  });
}

TEST_CASE_METHOD(udp_fixture, "to broadcast takes leave", "[net][udp][group]") {
  run([]() -> task<> {
    udp_socket here = any_socket();
    const address everybody = *address::parse_ip("255.255.255.255", 9);
    REQUIRE_FALSE(here.try_send(everybody, "hello"));
    here.allow_broadcast();
    here.allow_broadcast(false);
    REQUIRE_FALSE(here.try_send(everybody, "hello"));
    co_return;
  });
}

TEST_CASE_METHOD(udp_fixture, "sockets that share a port get each datagram once",
                 "[net][udp][group]") {
  run([]() -> task<> {
    udp_socket one = udp_socket::bind("127.0.0.1", 0, port_sharing::to_one);
    udp_socket two = udp_socket::bind(one.local(), port_sharing::to_one);
    REQUIRE_THROWS_AS(udp_socket::bind(one.local()), error);
    int heard = 0;
    for (int i = 0; i < 20; ++i) {
      udp_socket sender = any_socket();
      sender.send(one.local(), "x");
      co_await sleep(2ms);
      if (co_await move_on_after(0s, one.receive())) ++heard;
      if (co_await move_on_after(0s, two.receive())) ++heard;
    }
    REQUIRE(heard == 20);
  });
}

}  // namespace udp_group_test
