// Sockets that were opened elsewhere.
#include <net/net_fixture.hpp>
#include <os/socket.hpp>
#include <support/cancel_everywhere.hpp>

#include <cetane/base/errors.hpp>
#include <cetane/conc/all.hpp>
#include <cetane/net/adopt_socket.hpp>

#include <catch2/matchers/catch_matchers_exception.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <array>
#include <stdexcept>
#include <utility>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace adopt_socket_test {

using namespace cetane;
using namespace cetane::test;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::MessageMatches;

namespace {

// Two ends of a TCP connection, as another program would have made them: they block.
struct tcp_ends {
  tcp_ends() {
    const unique_fd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    REQUIRE(::listen(listener.get(), 1) == 0);
    address at;
    REQUIRE(os::local_address(listener.get(), at) == 0);
    sockaddr_storage raw;
    const socklen_t length = at.to_sockaddr(raw);
    one.reset(::socket(AF_INET, SOCK_STREAM, 0));
    REQUIRE(::connect(one.get(), reinterpret_cast<sockaddr*>(&raw), length) == 0);
    other.reset(::accept(listener.get(), nullptr, nullptr));
    REQUIRE(other);
  }

  unique_fd one;
  unique_fd other;
};

task<> talk(connection& one, connection& other) {
  co_await one.send("a question\n");
  const std::string asked = co_await other.until_eol();
  co_await other.send("you said ", asked);
  const std::string answer = co_await one.until_eol();
  CHECK(answer == "you said a question\n");
  co_await one.send_eof();
  const auto end = co_await other.next_line();
  CHECK_FALSE(end);
}

// What is wrong with a socket.
std::string trouble(test_loop& loop, unique_fd socket) {
  return loop.run(
      [](unique_fd& what) -> task<std::string> {
        try {
          const connection made = adopt_socket(std::move(what));
        } catch (const error& e) {
          co_return e.what();
        }
        co_return "";
      },
      socket);
}

}  // namespace

TEST_CASE("a TCP connection that was made elsewhere is a connection",
          "[net][adopt][plain][not-sim]") {
  test_loop loop;
  tcp_ends ends;
  const int one = ends.one.get();
  loop.run(
      [](tcp_ends& made) -> task<> {
        connection here = adopt_socket(std::move(made.one));
        connection there = adopt_socket(std::move(made.other));
        CHECK(here.remote().host() == "127.0.0.1");
        CHECK(here.remote() == there.local());
        co_await talk(here, there);
      },
      ends);
  run_until(loop, [&] { return loop.loop().orphans().empty(); });
  CHECK(::fcntl(one, F_GETFD) == -1);
}

TEST_CASE("a pair of Unix sockets is a connection, closed on exec and non-blocking",
          "[net][adopt][plain][not-sim]") {
  test_loop loop;
  int ends[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
  loop.run(
      [](int one, int other) -> task<> {
        connection here = adopt_socket(unique_fd(one));
        connection there = adopt_socket(unique_fd(other));
        CHECK((::fcntl(one, F_GETFD) & FD_CLOEXEC) != 0);
        CHECK((::fcntl(one, F_GETFL) & O_NONBLOCK) != 0);
        CHECK(here.peer_credentials().pid == ::getpid());
        co_await talk(here, there);
      },
      ends[0], ends[1]);
}

TEST_CASE("a connection that was handed over goes on with its new owner",
          "[net][adopt][descriptors][plain][not-sim]") {
  test_loop loop;
  tcp_ends ends;
  unique_fd from;
  unique_fd to;
  REQUIRE(os::make_socket_pair(from, to) == 0);
  connection_limits limits;
  limits.passed_descriptors = 1;
  loop.run(
      [&](tcp_ends& made) -> task<> {
        connection giver = adopt_socket(std::move(from));
        connection taker = adopt_socket(std::move(to), limits);
        co_await giver.send_descriptor(made.other.get(), "serve this\n");
        made.other.reset();
        co_await taker.until_eol();
        connection served = adopt_socket(taker.take_descriptor());
        connection client = adopt_socket(std::move(made.one));
        co_await talk(client, served);
      },
      ends);
}

TEST_CASE("a socket that told who sends passes descriptors all the same when it is adopted",
          "[net][adopt][descriptors][plain][not-sim]") {
  test_loop loop;
  unique_fd from;
  unique_fd to;
  REQUIRE(os::make_socket_pair(from, to) == 0);
  const int on = 1;
  REQUIRE(::setsockopt(to.get(), SOL_SOCKET, SO_PASSCRED, &on, sizeof on) == 0);
  connection_limits limits;
  limits.passed_descriptors = 2;
  loop.run([&]() -> task<> {
    connection giver = adopt_socket(std::move(from));
    connection taker = adopt_socket(std::move(to), limits);
    const std::array<int, 2> given{STDIN_FILENO, STDERR_FILENO};
    co_await giver.send_descriptors(given, "two\n");
    co_await taker.until_eol();
    REQUIRE(taker.take_descriptors(2).size() == 2);
  });
}

TEST_CASE("what was sent before a socket is adopted is read", "[net][adopt][plain][not-sim]") {
  test_loop loop;
  tcp_ends ends;
  REQUIRE(::send(ends.one.get(), "early\n", 6, 0) == 6);
  ends.one.reset();
  loop.run(
      [](tcp_ends& made) -> task<> {
        connection late = adopt_socket(std::move(made.other));
        const std::string line = co_await late.until_eol();
        const auto end = co_await late.next_line();
        CHECK(line == "early\n");
        CHECK_FALSE(end);
      },
      ends);
}

TEST_CASE("what is no connected stream socket is refused and closed",
          "[net][adopt][plain][not-sim]") {
  test_loop loop;
  const std::size_t before = descriptors_of_process();
  CHECK_THAT(trouble(loop, unique_fd(::socket(AF_INET, SOCK_STREAM, 0))),
             ContainsSubstring("adopt a socket: ") && ContainsSubstring("not connected"));
  CHECK_THAT(trouble(loop, unique_fd(::socket(AF_UNIX, SOCK_DGRAM, 0))),
             ContainsSubstring("wrong type"));
  CHECK_THAT(trouble(loop, unique_fd(::open("/dev/null", O_RDONLY))),
             ContainsSubstring("non-socket"));
  CHECK_THAT(trouble(loop, unique_fd()), ContainsSubstring("bad file descriptor"));
  CHECK(descriptors_of_process() == before);
}

TEST_CASE("a simulated network adopts nothing, and neither does a thread without a loop",
          "[net][adopt][plain]") {
  CHECK_THROWS_AS(adopt_socket(unique_fd()), std::logic_error);
  if (!on_sim()) return;
  test_loop loop;
  CHECK_THROWS_MATCHES(trouble(loop, unique_fd()), std::logic_error,
                       MessageMatches(ContainsSubstring("simulated")));
}

}  // namespace adopt_socket_test
