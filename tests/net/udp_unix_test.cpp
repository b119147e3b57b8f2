// Datagrams over Unix sockets: names, files, and what becomes of them.

#include <net/udp_fixture.hpp>
#include <os/passed_descriptors.hpp>
#include <os/temporary_folder.hpp>
#include <support/cancel_everywhere.hpp>

#include <cetane/base/errors.hpp>

#include <catch2/matchers/catch_matchers_string.hpp>

#include <filesystem>
#include <fstream>
#include <vector>

#include <sys/stat.h>
#include <unistd.h>

namespace udp_unix_test {

using namespace cetane;
using namespace cetane::test;
using Catch::Matchers::ContainsSubstring;

namespace {

std::string abstract_name(const char* part) {
  return fmt::format("@cetane-udp-unix-{}-{}", part, ::getpid());
}

}  // namespace

TEST_CASE_METHOD(udp_fixture, "datagrams go over abstract names, and answers come back",
                 "[net][udp][unix]") {
  run([]() -> task<> {
    const std::string name = abstract_name("talk");
    udp_socket here = udp_socket::bind(address::unix_path(name));
    udp_peer client = co_await connect_unix_datagram(name);

    co_await client.send("hello");
    const datagram asked = co_await here.receive();
    REQUIRE(asked.view() == "hello");
    REQUIRE(asked.from == client.local());
    REQUIRE(client.local().host().starts_with("@"));
    co_await here.send(asked.from, "you said ", asked);
    co_await hears(client, "you said hello");
  });
}

TEST_CASE_METHOD(udp_fixture, "where nobody receives a client is refused at once",
                 "[net][udp][unix]") {
  run([]() -> task<> {
    const std::string name = abstract_name("nobody");
    const std::string why = co_await thrown_by(connect_unix_datagram(name));
    REQUIRE_THAT(why, ContainsSubstring("connect to unix:" + name));
    REQUIRE_THAT(why, ContainsSubstring("refused"));
    udp_socket here = udp_socket::bind(address::unix_path(abstract_name("here")));
    REQUIRE_THROWS_WITH(here.send(address::unix_path(name), "x"),
                        ContainsSubstring("send 1 bytes to unix:" + name));
  });
}

TEST_CASE_METHOD(udp_fixture, "the file of a socket goes with it, and one left behind is replaced",
                 "[net][udp][unix][not-sim]") {
  const temporary_folder folder;
  const std::string path = folder.path_of("socket");
  run([&]() -> task<> {
    {
      udp_socket here = udp_socket::bind(address::unix_path(path));
      REQUIRE(std::filesystem::is_socket(path));
      REQUIRE_THROWS_WITH(udp_socket::bind(address::unix_path(path)), ContainsSubstring("in use"));
    }
    REQUIRE_FALSE(std::filesystem::exists(path));
    co_return;
  });

  unique_fd dead(::socket(AF_UNIX, SOCK_DGRAM, 0));
  sockaddr_storage raw;
  const socklen_t length = address::unix_path(path).to_sockaddr(raw);
  REQUIRE(::bind(dead.get(), reinterpret_cast<sockaddr*>(&raw), length) == 0);
  run([&]() -> task<> {
    REQUIRE_THROWS_AS(udp_socket::bind(address::unix_path(path)), error);  // it lives
    co_return;
  });
  dead.reset();
  REQUIRE(std::filesystem::is_socket(path));
  run([&]() -> task<> {
    udp_socket here = udp_socket::bind(address::unix_path(path));
    udp_peer client = co_await connect_unix_datagram(path);
    client.send("to the new one");
    co_await hears(here, "to the new one");
  });
}

TEST_CASE_METHOD(udp_fixture, "a file that is no socket is left alone",
                 "[net][udp][unix][not-sim]") {
  const temporary_folder folder;
  const std::string path = folder.path_of("file");
  std::ofstream(path) << "precious";
  run([&]() -> task<> {
    REQUIRE_THROWS_AS(udp_socket::bind(address::unix_path(path)), error);
    co_return;
  });
  REQUIRE(std::filesystem::file_size(path) == 8);
}

TEST_CASE_METHOD(udp_fixture, "what is longer than a Unix socket takes fails alone",
                 "[net][udp][unix]") {
  run([]() -> task<> {
    const std::string name = abstract_name("long");
    udp_socket here = udp_socket::bind(address::unix_path(name));
    udp_peer client = co_await connect_unix_datagram(name);
    const std::string monster(8'000'000, 'x');
    try {
      client.send(monster);
      FAIL("it was sent");
    } catch (const error& e) {
      REQUIRE(e.code() == std::errc::message_size);
    }
    client.send("short");
    co_await hears(here, "short");
  });
}

TEST_CASE_METHOD(udp_fixture, "what is longer than the limit of the receiver comes cut",
                 "[net][udp][unix][not-sim]") {
  run([]() -> task<> {
    const std::string name = abstract_name("cut");
    udp_socket here = udp_socket::bind(address::unix_path(name));
    udp_peer client = co_await connect_unix_datagram(name);
    const std::string long_text = pattern(100'000);
    co_await client.send(long_text);
    const datagram got = co_await here.receive();
    REQUIRE(got.truncated);
    REQUIRE(got.view() == std::string_view(long_text).substr(0, 65536));
  });
}

TEST_CASE_METHOD(udp_fixture, "descriptors that come with a datagram do not stay open",
                 "[net][udp][unix][not-sim]") {
  run([]() -> task<> {
    const std::string name = abstract_name("passed");
    udp_socket here = udp_socket::bind(address::unix_path(name));
    unique_fd stranger(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr_storage raw;
    const socklen_t length = address::unix_path(name).to_sockaddr(raw);
    REQUIRE(::connect(stranger.get(), reinterpret_cast<sockaddr*>(&raw), length) == 0);
    const std::size_t before = descriptors_of_process();
    for (const std::size_t count : {std::size_t{1}, std::size_t{12}, std::size_t{253}}) {
      const std::vector<int> many(count, 0);
      REQUIRE(os::send_with_descriptors(stranger.get(), "x", many) == 1);
      co_await hears(here, "x");
    }
    REQUIRE(descriptors_of_process() == before);
  });
}

TEST_CASE_METHOD(udp_fixture, "a peer whose server goes is told, and its socket lives",
                 "[net][udp][unix]") {
  run([]() -> task<> {
    const std::string name = abstract_name("goes");
    std::optional<udp_socket> here = udp_socket::bind(address::unix_path(name));
    udp_peer client = co_await connect_unix_datagram(name);
    client.send("hello");
    co_await hears(*here, "hello");
    here.reset();
    REQUIRE_THROWS_WITH(client.send("still there?"), ContainsSubstring("refused"));
    REQUIRE_FALSE(client.is_closed());
  });
}

}  // namespace udp_unix_test
