#include <cetane/os/address.hpp>

#include <cetane/base/errors.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <cstddef>
#include <set>
#include <string>
#include <type_traits>

#include <sys/socket.h>
#include <sys/un.h>

namespace address_test {

using cetane::address;
using cetane::address_family;

static_assert(std::is_trivially_copyable_v<address>);

namespace {

address ip(std::string_view host, std::uint16_t port) {
  const auto found = address::parse_ip(host, port);
  REQUIRE(found);
  return *found;
}

// Through the system's form and back.
address there_and_back(const address& from) {
  sockaddr_storage raw;
  const std::uint32_t length = from.to_sockaddr(raw);
  return address::from_sockaddr(reinterpret_cast<const sockaddr*>(&raw), length);
}

Catch::Matchers::ExceptionMessageMatcher says(const std::string& text) {
  return Catch::Matchers::Message(text);
}

}  // namespace

TEST_CASE("an IPv4 address is read and printed", "[os][address]") {
  const address a = ip("127.0.0.1", 8013);

  CHECK(a.family() == address_family::ipv4);
  CHECK(a.host() == "127.0.0.1");
  CHECK(a.port() == 8013);
  CHECK(a.to_string() == "127.0.0.1:8013");
  CHECK(a.uri("tcp") == "tcp://127.0.0.1:8013");
  CHECK_FALSE(a.is_unix());
}

TEST_CASE("an IPv6 address is read with and without brackets and printed with them",
          "[os][address]") {
  const address a = ip("::1", 8013);

  CHECK(a == ip("[::1]", 8013));
  CHECK(a == ip("0:0:0:0:0:0:0:1", 8013));
  CHECK(a.family() == address_family::ipv6);
  CHECK(a.host() == "::1");
  CHECK(a.to_string() == "[::1]:8013");
  CHECK(a.uri("udp") == "udp://[::1]:8013");
}

TEST_CASE("a scope is read by name and by number", "[os][address]") {
  const address by_number = ip("fe80::1%1", 80);

  CHECK(by_number != ip("fe80::1", 80));
  CHECK(by_number.to_string() == "[fe80::1%lo]:80");
  CHECK(ip("[fe80::1%lo]", 80) == by_number);
  CHECK_FALSE(address::parse_ip("fe80::1%no-such-link", 80));
  CHECK_FALSE(address::parse_ip("fe80::1%", 80));
  CHECK_FALSE(address::parse_ip({"fe80::1%lo\0x", 12}, 80));
  CHECK(ip("fe80::1%4000000000", 80).host() == "fe80::1%4000000000");  // an interface that is gone
}

TEST_CASE("what is no numeric address is refused", "[os][address]") {
  using namespace std::string_view_literals;
  for (const auto text : {"", "localhost", "127.0.0", "127.0.0.1 ", "127.0.0.256", "[127.0.0.1]",
                          "[::1", "::1]", "1.2.3.4:80", ":::", "[]", "[", "%lo", "0x7f.1"}) {
    INFO(text);
    CHECK_FALSE(address::parse_ip(text, 1));
  }
  CHECK_FALSE(address::parse_ip("127.0.0.1\0.example"sv, 1));
  CHECK_FALSE(address::parse_ip("::1\0x"sv, 1));
}

TEST_CASE("a Unix path prints as a path whatever the scheme", "[os][address]") {
  const address a = address::unix_path("/run/chat.sock");

  CHECK(a.is_unix());
  CHECK(a.port() == 0);
  CHECK(a.host() == "/run/chat.sock");
  CHECK(a.to_string() == "unix:/run/chat.sock");
  CHECK(a.uri("tcp") == "unix:/run/chat.sock");
}

TEST_CASE("a path that begins with @ is an abstract name", "[os][address]") {
  const address a = address::unix_path("@chat");

  CHECK(a.to_string() == "unix:@chat");
  CHECK(a.host() == "@chat");
  sockaddr_storage raw;
  CHECK(a.to_sockaddr(raw) == offsetof(sockaddr_un, sun_path) + 5);
  CHECK(reinterpret_cast<const sockaddr_un&>(raw).sun_path[0] == '\0');
  CHECK(a != address::unix_path("chat"));
}

TEST_CASE("a Unix path of 107 bytes fits, one of 108 is refused with both figures",
          "[os][address]") {
  const std::string longest(107, 'x');

  CHECK(there_and_back(address::unix_path(longest)).host() == longest);
  CHECK_THROWS_MATCHES(address::unix_path(longest + "x"), cetane::error,
                       says("use " + longest +
                            "x as the path of a Unix socket: it is 108 bytes "
                            "long, and the system takes at most 107"));
}

TEST_CASE("an abstract name may have 107 bytes, the sign before it not counted", "[os][address]") {
  const std::string longest = "@" + std::string(107, 'x');

  CHECK(there_and_back(address::unix_path(longest)).host() == longest);
  CHECK_THROWS_AS(address::unix_path(longest + "x"), cetane::error);
}

TEST_CASE("a Unix path that the system would cut short is refused", "[os][address]") {
  using namespace std::string_view_literals;

  CHECK_THROWS_MATCHES(address::unix_path(""), cetane::error,
                       says("use \"\" as the path of a Unix socket: it is empty"));
  CHECK_THROWS_AS(address::unix_path("@"), cetane::error);
  CHECK_THROWS_MATCHES(
      address::unix_path("/run/a\0b"sv), cetane::error,
      says("use /run/a\\x00b as the path of a Unix socket: it contains a zero byte"));
}

TEST_CASE("a peer without a name prints as unnamed", "[os][address]") {
  sockaddr_un raw{};
  raw.sun_family = AF_UNIX;

  const address a =
      address::from_sockaddr(reinterpret_cast<const sockaddr*>(&raw), sizeof(sa_family_t));

  CHECK(a.is_unix());
  CHECK(a.host().empty());
  CHECK(a.to_string() == "unix:(unnamed)");
}

TEST_CASE("a peer's path cannot write to the terminal", "[os][address]") {
  CHECK(address::unix_path("/run/\x1b[2J\n").to_string() == "unix:/run/\\x1b[2J\\n");
}

TEST_CASE("an address survives the system's form", "[os][address]") {
  for (const address& a :
       {ip("10.1.2.3", 65535), ip("2001:db8::7", 1), ip("fe80::1%1", 80),
        address::unix_path("/run/chat.sock"), address::unix_path("@" + std::string(106, 'n'))}) {
    INFO(a.to_string());
    CHECK(there_and_back(a) == a);
  }
}

TEST_CASE("a path is the same whether its zero byte was counted or not", "[os][address]") {
  sockaddr_storage raw;
  const std::uint32_t length = address::unix_path("/run/chat").to_sockaddr(raw);
  const auto* generic = reinterpret_cast<const sockaddr*>(&raw);

  CHECK(address::from_sockaddr(generic, length) == address::unix_path("/run/chat"));
  CHECK(address::from_sockaddr(generic, length - 1) == address::unix_path("/run/chat"));
  CHECK(address::from_sockaddr(generic, sizeof(sockaddr_un)) == address::unix_path("/run/chat"));
}

TEST_CASE("what is cut short or of another family is no address", "[os][address]") {
  sockaddr_storage raw;
  const std::uint32_t length = ip("127.0.0.1", 1).to_sockaddr(raw);
  auto* generic = reinterpret_cast<sockaddr*>(&raw);

  CHECK(address::from_sockaddr(nullptr, 0) == address());
  CHECK(address::from_sockaddr(generic, 0) == address());
  CHECK(address::from_sockaddr(generic, length - 1) == address());
  generic->sa_family = AF_PACKET;
  CHECK(address::from_sockaddr(generic, sizeof raw) == address());
  CHECK(address().to_string() == "(no address)");
  CHECK(address().to_sockaddr(raw) == 0);
}

TEST_CASE("addresses are equal when host, port and family are", "[os][address]") {
  CHECK(ip("127.0.0.1", 1) == ip("127.0.0.1", 1));
  CHECK(ip("127.0.0.1", 1) != ip("127.0.0.1", 2));
  CHECK(ip("127.0.0.1", 1) != ip("127.0.0.2", 1));
  CHECK(ip("0.0.0.0", 1) != ip("::", 1));
  CHECK(std::set<address>{ip("::1", 1), ip("::1", 2), ip("::1", 1)}.size() == 2);
}

TEST_CASE("with_port changes the port of an IP address only", "[os][address]") {
  CHECK(ip("::1", 0).with_port(8013) == ip("::1", 8013));
  CHECK(address::unix_path("/run/chat").with_port(8013) == address::unix_path("/run/chat"));
}

TEST_CASE("an address is an argument of format strings", "[os][address]") {
  const address a = ip("127.0.0.1", 8013);

  CHECK(fmt::format("from {}!", a) == "from 127.0.0.1:8013!");
  CHECK(fmt::format("{:>16}|", a) == "  127.0.0.1:8013|");
}

}  // namespace address_test
