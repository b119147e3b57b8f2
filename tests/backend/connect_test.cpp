// Listeners and connections being made: the same on every backend.

#include "fake_io.hpp"

#include <cetane/os/address.hpp>

#include <catch2/generators/catch_generators.hpp>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <string>

#include <unistd.h>

namespace connect_test {

using namespace cetane;
using namespace cetane::test;

namespace {

address any_port(std::string_view host = "127.0.0.1") { return *address::parse_ip(host, 0); }

// A name that no other run of the tests has.
address abstract_name(const char* what) {
  return address::unix_path("@cetane-backend-test-" + std::to_string(::getpid()) + "-" + what);
}

int try_to_listen(event_loop& loop, const address& at, bool reuse_port = false) {
  detail::listen_request request;
  request.reuse_port = reuse_port;
  int descriptor = -1;
  address bound;
  const int result = loop.io().listen(at, request, descriptor, bound);
  if (result == 0) loop.io().close(descriptor, false);
  return result;
}

}  // namespace

TEST_CASE("port 0 becomes a port that nobody has", "[backend][listen]") {
  event_loop loop(make_test_backend());
  const listening one(loop), other(loop);

  REQUIRE(one.where.port() != 0);
  REQUIRE(other.where.port() != 0);
  REQUIRE(one.where.port() != other.where.port());
  REQUIRE(one.where.host() == "127.0.0.1");
}

TEST_CASE("an address that somebody listens on is in use until the listener is closed",
          "[backend][listen]") {
  event_loop loop(make_test_backend());
  auto first = std::make_unique<listening>(loop);
  const address where = first->where;

  REQUIRE(try_to_listen(loop, where) == -EADDRINUSE);
  REQUIRE(try_to_listen(loop, *address::parse_ip("0.0.0.0", where.port())) == -EADDRINUSE);
  first.reset();
  REQUIRE(try_to_listen(loop, where) == 0);
}

TEST_CASE("listeners that all ask for it share a port", "[backend][listen]") {
  event_loop loop(make_test_backend());
  detail::listen_request shared;
  shared.reuse_port = true;
  const listening first(loop, any_port(), shared);

  REQUIRE(try_to_listen(loop, first.where, true) == 0);
  REQUIRE(try_to_listen(loop, first.where, false) == -EADDRINUSE);
}

TEST_CASE("nobody can listen or connect without an address", "[backend][listen]") {
  event_loop loop(make_test_backend());
  int descriptor = -1;

  REQUIRE(try_to_listen(loop, address()) == -EAFNOSUPPORT);
  REQUIRE(loop.io().connect(address(), nullptr, descriptor) == -EAFNOSUPPORT);
}

TEST_CASE("a listener is ready when somebody has connected, and gives each out once",
          "[backend][listen]") {
  event_loop loop(make_test_backend());
  listening server(loop);
  int accepted = -1;
  address peer;
  REQUIRE(server.accept(accepted, peer) == -EAGAIN);
  settle(loop);
  REQUIRE(server.io.calls == 0);

  noting_stream client(loop);
  int connecting = -1;
  REQUIRE(connect_to(loop, server.where, connecting) == 0);
  client.open(connecting);
  run_until(loop, [&] { return server.io.calls > 0; });
  REQUIRE(server.io.readable);

  REQUIRE(server.accept(accepted, peer) == 0);
  noting_stream served(loop);
  served.open(accepted);
  REQUIRE(peer == client.local());
  REQUIRE(served.local() == server.where);
  REQUIRE(client.remote(peer) == 0);
  REQUIRE(peer == server.where);
  REQUIRE(served.remote(peer) == 0);
  REQUIRE(peer == client.local());

  REQUIRE(server.accept(accepted, peer) == -EAGAIN);
  REQUIRE_FALSE(server.io.readable);
}

TEST_CASE("a connection over TCP is made in the background", "[backend][connect]") {
  event_loop loop(make_test_backend());
  const listening server(loop);
  noting_poll connecting(loop);
  int descriptor = -1;

  REQUIRE(loop.io().connect(server.where, nullptr, descriptor) == -EINPROGRESS);
  connecting.open(descriptor);
  REQUIRE(connecting.calls == 0);

  run_until(loop, [&] { return connecting.calls > 0; });
  REQUIRE(loop.io().connect_result(descriptor) == 0);
}

TEST_CASE("where nobody listens a connection is refused, and the error is told once",
          "[backend][connect]") {
  event_loop loop(make_test_backend());
  connected_pair pair(loop);
  noting_poll connecting(loop);
  int descriptor = -1;

  // The client's own port: it is taken, so nobody else can listen there.
  REQUIRE(loop.io().connect(pair.client.local(), nullptr, descriptor) == -EINPROGRESS);
  connecting.open(descriptor);
  run_until(loop, [&] { return connecting.calls > 0; });

  address peer;
  REQUIRE(loop.io().peer_address(descriptor, peer) == -ENOTCONN);
  REQUIRE(loop.io().connect_result(descriptor) == -ECONNREFUSED);
  REQUIRE(loop.io().connect_result(descriptor) == 0);
}

TEST_CASE("a connection can be made from a given address", "[backend][connect]") {
  event_loop loop(make_test_backend());
  listening server(loop);
  const address from = any_port("127.0.0.2");
  noting_stream client(loop);
  int descriptor = -1;

  REQUIRE(connect_to(loop, server.where, descriptor, &from) == 0);
  client.open(descriptor);

  REQUIRE(client.local().host() == "127.0.0.2");
  REQUIRE(client.local().port() != 0);
  const address taken = client.local();
  int second = -1;
  REQUIRE(loop.io().connect(server.where, &taken, second) == -EADDRINUSE);
}

TEST_CASE("a listener on every address serves each of them", "[backend][connect]") {
  event_loop loop(make_test_backend());
  listening server(loop, any_port("0.0.0.0"));
  REQUIRE(server.where.host() == "0.0.0.0");

  const std::string host = GENERATE(as<std::string>(), "127.0.0.1", "127.0.0.9", "0.0.0.0");
  noting_stream client(loop), served(loop);
  int descriptor = -1;
  REQUIRE(connect_to(loop, *address::parse_ip(host, server.where.port()), descriptor) == 0);
  client.open(descriptor);
  served.open(server.accept_one());

  REQUIRE(served.local().host() == (host == "0.0.0.0" ? "127.0.0.1" : host));
  REQUIRE(client.local().host() == "127.0.0.1");
}

TEST_CASE("connections over IPv6 work, and a listener on [::] serves IPv4 too",
          "[backend][connect]") {
  event_loop loop(make_test_backend());
  if (try_to_listen(loop, any_port("::1")) < 0) SKIP("this machine has no IPv6");
  listening server(loop, any_port("::"));
  const auto [host, seen] = GENERATE(Catch::Generators::table<std::string, std::string>(
      {{"::1", "::1"}, {"::", "::1"}, {"127.0.0.1", "::ffff:127.0.0.1"}}));

  noting_stream client(loop), served(loop);
  int descriptor = -1;
  REQUIRE(connect_to(loop, *address::parse_ip(host, server.where.port()), descriptor) == 0);
  client.open(descriptor);
  served.open(server.accept_one());

  address peer;
  REQUIRE(served.remote(peer) == 0);
  REQUIRE(peer.host() == seen);
  REQUIRE(served.local().host() == seen);
  REQUIRE(try_to_listen(loop, *address::parse_ip("0.0.0.0", server.where.port())) == -EADDRINUSE);
}

TEST_CASE("a Unix socket connects at once, or is refused at once", "[backend][connect]") {
  event_loop loop(make_test_backend());
  listening server(loop, abstract_name("echo"));
  noting_stream client(loop), served(loop);
  int descriptor = -1;

  REQUIRE(loop.io().connect(server.where, nullptr, descriptor) == 0);
  client.open(descriptor);
  served.open(server.accept_one());
  REQUIRE(served.local() == server.where);
  REQUIRE(client.local().to_string() == "unix:(unnamed)");
  REQUIRE(client.write("hello") == 5);
  run_until(loop, [&] { return served.data == "hello"; });

  REQUIRE(try_to_listen(loop, server.where) == -EADDRINUSE);
  REQUIRE(loop.io().connect(abstract_name("nobody"), nullptr, descriptor) == -ECONNREFUSED);
  REQUIRE(loop.io().connect(address::unix_path("/nowhere/at/all"), nullptr, descriptor) == -ENOENT);
}

TEST_CASE("closing a listener resets who waits in it", "[backend][listen]") {
  event_loop loop(make_test_backend());
  auto server = std::make_unique<listening>(loop);
  noting_stream client(loop);
  int descriptor = -1;
  REQUIRE(connect_to(loop, server->where, descriptor) == 0);
  client.open(descriptor);
  run_until(loop, [&] { return server->io.calls > 0; });

  server.reset();

  run_until(loop, [&] { return !client.ends.empty(); });
  REQUIRE(client.hang_ups == std::vector{ECONNRESET});
  REQUIRE(client.ends == std::vector{ECONNRESET});
}

TEST_CASE("many who connect at once are all served", "[backend][listen]") {
  constexpr int count = 100;
  event_loop loop(make_test_backend());
  listening server(loop);
  std::vector<std::unique_ptr<noting_poll>> clients;
  for (int i = 0; i < count; ++i) {
    int descriptor = -1;
    REQUIRE(loop.io().connect(server.where, nullptr, descriptor) == -EINPROGRESS);
    clients.push_back(std::make_unique<noting_poll>(loop));
    clients.back()->open(descriptor);
  }

  std::vector<int> accepted;
  server.io.hook = [&] {
    int descriptor = -1;
    address peer;
    while (server.accept(descriptor, peer) == 0) accepted.push_back(descriptor);
  };
  run_until(loop, [&] { return accepted.size() == count; });
  run_until(loop, [&] {
    return std::all_of(clients.begin(), clients.end(), [](const auto& c) { return c->calls > 0; });
  });

  settle(loop);
  REQUIRE(accepted.size() == count);
  for (const int descriptor : accepted) loop.io().close(descriptor, false);
}

}  // namespace connect_test
