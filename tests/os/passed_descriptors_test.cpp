#include "os/passed_descriptors.hpp"

#include <os/socket.hpp>

#include <catch2/catch_test_macros.hpp>

#include <cerrno>
#include <cstddef>
#include <vector>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace passed_descriptors_test {

using namespace cetane::os;
using cetane::most_passed_descriptors;
using cetane::peer_credentials;
using cetane::unique_fd;

namespace {

struct two_ends {
  two_ends() { REQUIRE(make_socket_pair(one, other) == 0); }

  unique_fd one;
  unique_fd other;
};

// What is received is closed at the end.
struct received : passed_descriptors {
  ~received() {
    for (const int each : view()) ::close(each);
  }
  long from(const unique_fd& socket, std::size_t size, std::size_t room) {
    char bytes[1000];
    return receive_with_descriptors(socket.get(), bytes, size, room, *this);
  }
};

std::vector<int> many(std::size_t count) { return std::vector<int>(count, STDERR_FILENO); }

}  // namespace

TEST_CASE("as many descriptors come as were sent, closed on exec", "[os][descriptors]") {
  const two_ends ends;
  received got;
  for (const std::size_t count : {std::size_t{1}, std::size_t{2}, most_passed_descriptors}) {
    received some;
    REQUIRE(send_with_descriptors(ends.one.get(), "x", many(count)) == 1);
    REQUIRE(some.from(ends.other, 1000, most_passed_descriptors) == 1);
    REQUIRE(some.count == count);
    CHECK_FALSE(some.cut);
    for (const int each : some.view()) CHECK((::fcntl(each, F_GETFD) & FD_CLOEXEC) != 0);
  }
  CHECK(send_with_descriptors(ends.one.get(), "x", many(most_passed_descriptors + 1)) == -EINVAL);
  CHECK(got.from(ends.other, 1000, 1) == -EAGAIN);
  CHECK(got.count == 0);
}

TEST_CASE("there is room for exactly so many, odd or even", "[os][descriptors]") {
  const two_ends ends;
  for (const std::size_t room : {0, 1, 2, 3}) {
    received some;
    REQUIRE(send_with_descriptors(ends.one.get(), "x", many(4)) == 1);
    REQUIRE(some.from(ends.other, 1000, room) == 1);
    CHECK(some.count == room);
    CHECK(some.cut);
  }
}

TEST_CASE("a read ends behind a message that took descriptors along, not before it",
          "[os][descriptors]") {
  const two_ends ends;
  const auto& to = ends.one;
  REQUIRE(send_with_descriptors(to.get(), "before ", {}) == 7);
  REQUIRE(send_with_descriptors(to.get(), "one", many(1)) == 3);
  REQUIRE(send_with_descriptors(to.get(), "two", many(2)) == 3);
  REQUIRE(send_with_descriptors(to.get(), " after", {}) == 6);

  received first;
  CHECK(first.from(ends.other, 1000, 8) == 10);
  CHECK(first.count == 1);
  received second;
  CHECK(second.from(ends.other, 1, 8) == 1);
  CHECK(second.count == 2);
  received rest;
  CHECK(rest.from(ends.other, 1000, 8) == 8);
  CHECK(rest.count == 0);
}

TEST_CASE("who made a socket is told at its other end, and of no other kind of socket",
          "[os][descriptors]") {
  const two_ends ends;
  peer_credentials who;
  REQUIRE(ask_peer_credentials(ends.one.get(), who) == 0);
  CHECK(who.pid == ::getpid());
  CHECK(who.uid == ::getuid());
  CHECK(who.gid == ::getgid());

  unique_fd tcp;
  REQUIRE(open_socket(cetane::address_family::ipv4, SOCK_STREAM, tcp) == 0);
  CHECK(ask_peer_credentials(tcp.get(), who) == -EOPNOTSUPP);
  CHECK(ask_peer_credentials(-1, who) == -EBADF);
}

}  // namespace passed_descriptors_test
