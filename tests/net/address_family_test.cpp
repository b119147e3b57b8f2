// The same connections over IPv6 and Unix sockets.

#include <net/net_fixture.hpp>
#include <os/temporary_folder.hpp>

#include <cetane/base/errors.hpp>

#include <cerrno>
#include <string>

#include <unistd.h>

namespace address_family_test {

using namespace cetane;
using namespace cetane::test;

namespace {

// A conversation with everything in it: lines, much data, an end on each side.
void converse(test_loop& loop, connected_pair& pair) {
  const std::string much = pattern(500'000);
  auto server = loop.spawn(
      [](connection& peer, const std::string& all) -> task<std::string> {
        const std::string line = co_await peer.until_eol();
        co_await peer.send("you said ", line);
        co_await peer.send(all);
        co_await peer.send_eof();
        co_return co_await peer.until_eof();
      },
      std::ref(pair.there), std::cref(much));
  auto client = loop.spawn(
      [](connection& peer) -> task<std::string> {
        co_await peer.send("hello\n");
        std::string got = co_await peer.until_eof();
        co_await peer.send("goodbye");
        peer.close();
        co_return got;
      },
      std::ref(pair.here));
  run_until(loop, [&] { return server.done() && client.done(); });
  const auto joined = [](join_handle<std::string>& of) -> task<std::string> {
    co_return co_await of;
  };
  REQUIRE(loop.run(joined, client) == "you said hello\n" + much);
  REQUIRE(loop.run(joined, server) == "goodbye");
}

// Whether this machine has the address.
bool can_listen(test_loop& loop, const address& at) {
  int descriptor = -1;
  address bound;
  if (loop.loop().io().listen(at, {}, descriptor, bound) < 0) return false;
  loop.loop().io().close(descriptor, false);
  return true;
}

}  // namespace

TEST_CASE("a conversation over IPv6", "[net][ipv6]") {
  test_loop loop;
  const address any_port = *address::parse_ip("::1", 0);
  if (!can_listen(loop, any_port)) SKIP("this machine has no ::1");
  connected_pair pair(loop, any_port);

  REQUIRE(pair.here.remote() == pair.there.local());
  REQUIRE(pair.there.remote() == pair.here.local());
  REQUIRE(pair.here.remote().to_string() == "[::1]:" + std::to_string(pair.here.remote().port()));
  converse(loop, pair);
}

TEST_CASE("a conversation over IPv4", "[net]") {
  test_loop loop;
  connected_pair pair(loop);

  REQUIRE(pair.here.remote() == pair.there.local());
  REQUIRE(pair.there.remote() == pair.here.local());
  converse(loop, pair);
}

TEST_CASE("a conversation over a Unix socket", "[net][unix]") {
  test_loop loop;
  const temporary_folder folder;
  const std::string path = folder.path_of("socket");
  connected_pair pair(loop, address::unix_path(path));

  REQUIRE(pair.here.remote().to_string() == "unix:" + path);
  REQUIRE(pair.there.local().to_string() == "unix:" + path);
  REQUIRE(pair.there.remote().to_string() == "unix:(unnamed)");
  converse(loop, pair);
}

TEST_CASE("a conversation over a Unix socket without a file", "[net][unix]") {
  test_loop loop;
  const std::string name = "@cetane-test-" + std::to_string(::getpid());
  connected_pair pair(loop, address::unix_path(name));

  REQUIRE(pair.here.remote().to_string() == "unix:" + name);
  converse(loop, pair);
}

TEST_CASE("a Unix peer that goes away is noticed", "[net][unix]") {
  test_loop loop;
  const std::string name = "@cetane-test-gone-" + std::to_string(::getpid());
  connected_pair pair(loop, address::unix_path(name));
  auto reader = loop.spawn(read_next_line, std::ref(pair.here));
  auto watcher = loop.spawn(wait_closed, std::ref(pair.here));
  settle(loop);
  { const connection gone(std::move(pair.there)); }

  run_until(loop, [&] { return reader.done() && watcher.done(); });
  const auto joined = [](auto& of) -> task<std::optional<std::string>> { co_return co_await of; };
  REQUIRE_FALSE(loop.run(joined, reader).has_value());
  REQUIRE_THROWS_AS(loop.run(
                        [](connection& peer) -> task<> {
                          for (;;) {
                            co_await peer.send("x");
                            co_await sleep(1ms);
                          }
                        },
                        pair.here),
                    connection_closed);
}

TEST_CASE("a path that is too long for a Unix socket says so", "[net][unix]") {
  REQUIRE_THROWS_AS(address::unix_path("/tmp/" + std::string(103, 'x')), error);
  REQUIRE_NOTHROW(address::unix_path("/tmp/" + std::string(102, 'x')));
}

}  // namespace address_family_test
