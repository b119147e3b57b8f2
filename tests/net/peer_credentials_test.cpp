// Who is at the other end of a Unix socket.
#include <net/net_fixture.hpp>

#include <cetane/backend/sim_hosts.hpp>
#include <cetane/base/errors.hpp>

#include <fmt/format.h>

#include <catch2/matchers/catch_matchers_exception.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <unistd.h>

namespace peer_credentials_test {

using namespace cetane;
using namespace cetane::test;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::MessageMatches;

namespace {

struct unix_pair {
  test_loop loop;
  connected_pair pair{loop, address::unix_path(fmt::format("@cetane-who-{}", ::getpid()))};
};

}  // namespace

TEST_CASE("both ends of a Unix socket are told who is at the other", "[net][unix][plain]") {
  unix_pair made;
  const auto here = made.pair.here.peer_credentials();
  const auto there = made.pair.there.peer_credentials();

  CHECK(here == there);
  CHECK(here.uid == ::getuid());
  CHECK(here.gid == ::getgid());
  CHECK(here.pid == (on_sim() ? 1 : ::getpid()));
}

TEST_CASE("a simulated machine is said to run as somebody else", "[net][unix][plain][not-epoll]") {
  unix_pair made;
  simulation::of(made.loop).own_host().runs_as({42, 1001, 100});

  CHECK(made.pair.there.peer_credentials() == peer_credentials{42, 1001, 100});
}

TEST_CASE_METHOD(net_fixture, "a peer on another machine is nobody that could be asked for",
                 "[net][unix]") {
  REQUIRE_THROWS_MATCHES(here.peer_credentials(), std::logic_error,
                         MessageMatches(ContainsSubstring("only Unix sockets tell")));
}

TEST_CASE("of a connection that is closed nobody is told any more", "[net][unix][plain]") {
  unix_pair made;
  made.pair.here.abort();

  REQUIRE_THROWS_AS(made.pair.here.peer_credentials(), connection_closed);
}

}  // namespace peer_credentials_test
