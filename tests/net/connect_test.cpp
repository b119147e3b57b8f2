// Connecting: to whom, from where, for how long, and what is left of it when it fails.

#include <net/net_fixture.hpp>
#include <os/temporary_folder.hpp>

#include <net/listener.hpp>

#include <cetane/base/errors.hpp>
#include <cetane/base/limits.hpp>
#include <cetane/base/scope_exit.hpp>
#include <cetane/conc/thread.hpp>
#include <cetane/net/connect.hpp>
#include <cetane/os/unique_fd.hpp>

#include <algorithm>
#include <latch>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

namespace connect_test {

using namespace cetane;
using namespace cetane::test;

namespace {

// Serves each connection with a task of its own that echoes lines.
class echo_server final : detail::accept_sink {
 public:
  explicit echo_server(test_loop& loop, const address& at = any_local_port(), int backlog = 500)
      : loop_(loop), listener_(loop, *this) {
    detail::listen_request request;
    request.backlog = backlog;
    result = listener_.open(at, request, 64);
  }

  const address& bound() const { return listener_.bound(); }
  std::uint16_t port() const { return listener_.bound().port(); }
  void let_in(std::size_t room) {
    room_ = room;
    listener_.resume();
  }

  int result = 0;  // of listening
  std::vector<address> peers;

 private:
  static task<> echo(connection& peer) {
    while (auto line = co_await peer.next_line()) co_await peer.send("you said ", *line, "\n");
  }
  void on_accept(int descriptor, const address& peer) noexcept override {
    static const connection_limits usual;
    peers.push_back(peer);
    auto made = std::make_unique<detail::stream>(loop_, usual);
    REQUIRE(made->open(descriptor, peer) == 0);
    std::ignore = loop_.spawn(echo, connection(*made.release()));
  }
  bool has_room() noexcept override { return peers.size() < room_; }

  test_loop& loop_;
  detail::listener listener_;
  std::size_t room_ = 1000;
};

task<std::string> ask(connect_op op) {
  connection server = co_await std::move(op);
  co_await server.send("hello\n");
  co_return co_await server.until_eol();
}

std::uint16_t port_of_nobody(test_loop& loop) {
  const echo_server gone(loop);
  return gone.port();
}

int lowest_free_descriptor() {
  const unique_fd probe(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  return probe.get();
}

// What this loop has open: descriptors of the process, or of the simulation.
std::size_t descriptors(test_loop& loop) {
  if (loop.loop().io().simulated()) return simulation::of(loop).open_descriptors();
  return static_cast<std::size_t>(lowest_free_descriptor());
}

}  // namespace

TEST_CASE("a connection can be made to an address or a name", "[net][connect]") {
  test_loop loop;
  const echo_server server(loop);
  REQUIRE(loop.run(ask, connect("127.0.0.1", server.port())) == "you said hello\n");
  REQUIRE(loop.run(ask, connect("localhost", server.port())) == "you said hello\n");
}

TEST_CASE("both ends of a connection know who they are", "[net][connect]") {
  test_loop loop;
  const echo_server server(loop);
  loop.run(
      [](const echo_server& to) -> task<> {
        const connection made = co_await connect("127.0.0.1", to.port());
        REQUIRE(made.remote() == to.bound());
        REQUIRE(made.local().host() == "127.0.0.1");
        while (to.peers.empty()) co_await sleep(1ms);
        REQUIRE(to.peers.front() == made.local());
      },
      server);
}

TEST_CASE("NEW-17 a refused connection is an error that names the place and the reason",
          "[net][connect]") {
  test_loop loop;
  const std::uint16_t port = port_of_nobody(loop);
  const std::size_t before = descriptors(loop);
  for (int i = 0; i < 5; ++i) {
    const time_point begun = loop.loop().now();
    try {
      loop.run(ask, connect("127.0.0.1", port));
      FAIL("nobody listens there");
    } catch (const connect_error& e) {
      REQUIRE(std::string(e.what()) ==
              "connect to 127.0.0.1:" + std::to_string(port) + ": connection refused");
      REQUIRE(e.code() == std::errc::connection_refused);
    }
    if (on_sim()) REQUIRE(loop.loop().now() - begun <= 1ms);  // there and back
  }
  REQUIRE(descriptors(loop) == before);
}

TEST_CASE("a connection that nobody answers times out, and leaves nothing", "[net][connect]") {
  test_loop loop;
  echo_server server(loop, any_local_port(), 0);
  server.let_in(0);
  // Fill the backlog, so that the system no longer answers.
  std::vector<int> waiting;
  for (int i = 0; i < 4; ++i) {
    int client = -1;
    std::ignore = loop.loop().io().connect(server.bound(), nullptr, client);
    waiting.push_back(client);
    settle(loop);
  }
  const std::size_t before = descriptors(loop);
  const time_point begun = loop.loop().now();
  const duration limit = loop.loop().io().simulated() ? duration(5s) : duration(30ms);

  try {
    loop.run(ask, connect("127.0.0.1", server.port()).timeout(limit));
    FAIL("nobody answers there");
  } catch (const connect_timeout& e) {
    REQUIRE(std::string(e.what()).starts_with("connect to 127.0.0.1:"));
  }

  const duration taken = loop.loop().now() - begun;
  REQUIRE(taken >= limit);
  if (loop.loop().io().simulated()) REQUIRE(taken == limit);
  REQUIRE(descriptors(loop) == before);
  for (const int each : waiting) loop.loop().io().close(each, false);
}

TEST_CASE("the time for connecting includes that for the name", "[net][connect][not-sim]") {
  // The system reads it as 127.0.0.1 without asking anybody; for us it is a name like any other.
  const std::string name = "127.0.1";
  test_loop loop;
  const echo_server server(loop);
  const std::size_t before = descriptors(loop);
  std::latch opened(1);
  std::vector<join_handle<>> busy;
  for (std::size_t i = 0; i < most_offload_threads; ++i) {  // no thread is left to look it up
    busy.push_back(loop.spawn(
        [](std::latch& until) -> task<> { co_await cetane::thread([&until] { until.wait(); }); },
        std::ref(opened)));
  }
  {
    const scope_exit open([&] { opened.count_down(); });
    settle(loop);
    const time_point begun = loop.loop().now();
    try {
      loop.run(ask, connect(name, server.port()).timeout(20ms));
      FAIL("nobody can have looked up the name");
    } catch (const connect_timeout& e) {
      REQUIRE(std::string(e.what()).starts_with("connect to 127.0.1:"));
    }
    REQUIRE(loop.loop().now() - begun >= 20ms);
  }
  run_until(loop, [&] {
    return std::all_of(busy.begin(), busy.end(), [](auto& each) { return each.done(); });
  });

  REQUIRE(loop.run(ask, connect(name, server.port())) == "you said hello\n");
  run_until(loop, [&] {
    return loop.loop().stats().connections_opened == loop.loop().stats().connections_closed;
  });
  REQUIRE(descriptors(loop) == before);
}

TEST_CASE("a cancelled attempt is given up, and leaves nothing", "[net][connect]") {
  test_loop loop;
  const echo_server server(loop);
  settle(loop);
  const std::size_t before = descriptors(loop);
  for (int passes = 0; passes < 3; ++passes) {
    auto attempt = loop.spawn(ask, connect("127.0.0.1", server.port()));
    for (int i = 0; i < passes; ++i) loop.loop().run_once(time_point::min());
    attempt.cancel();
    run_until(loop, [&] { return attempt.done(); });
    settle(loop);
    if (passes < 2) REQUIRE(descriptors(loop) == before);
  }
  run_until(loop, [&] {
    return loop.loop().stats().connections_opened == loop.loop().stats().connections_closed;
  });
  REQUIRE(descriptors(loop) == before);
}

TEST_CASE("a connection can be made from a local address", "[net][connect]") {
  test_loop loop;
  const echo_server server(loop);
  loop.run(
      [](const echo_server& to) -> task<> {
        const connection made = co_await connect("127.0.0.1", to.port()).from("127.0.0.2");
        REQUIRE(made.local().host() == "127.0.0.2");
        const connection other =
            co_await connect("127.0.0.1", to.port()).from(*address::parse_ip("127.0.0.3", 0));
        REQUIRE(other.local().host() == "127.0.0.3");
      },
      server);
  REQUIRE_THROWS_AS(connect("127.0.0.1", 1).from("localhost"), std::invalid_argument);
  if (on_sim()) return;  // where every address is this machine's
  REQUIRE_THROWS_AS(loop.run(ask, connect("127.0.0.1", server.port()).from("192.0.2.1")),
                    connect_error);
}

TEST_CASE("a socket that is connected to itself has found nobody", "[net][connect][not-sim]") {
  test_loop loop;
  std::uint16_t free_port = 0;
  {
    const echo_server server(loop, *address::parse_ip("127.0.0.5", 0));
    free_port = server.port();
  }
  const address own = *address::parse_ip("127.0.0.5", free_port);
  REQUIRE_THROWS_AS(loop.run(ask, connect("127.0.0.5", free_port).from(own)), connect_error);
}

TEST_CASE("a connection can be made to an IPv6 address, with brackets and without",
          "[net][connect][ipv6]") {
  test_loop loop;
  const echo_server server(loop, *address::parse_ip("::1", 0));
  if (server.result != 0) SKIP("this machine has no ::1");
  REQUIRE(loop.run(ask, connect("::1", server.port())) == "you said hello\n");
  REQUIRE(loop.run(ask, connect("[::1]", server.port())) == "you said hello\n");
  REQUIRE(server.peers.front().host() == "::1");
}

TEST_CASE("of a name's addresses each is tried in turn", "[net][connect][not-sim]") {
  test_loop loop;
  const echo_server server(loop, *address::parse_ip("::1", 0));
  if (server.result != 0) SKIP("this machine has no ::1");
  REQUIRE(loop.run(ask, connect("localhost", server.port())) == "you said hello\n");
}

TEST_CASE("a name without an address is an error of its own", "[net][connect][not-sim]") {
  test_loop loop;
  REQUIRE_THROWS_AS(loop.run(ask, connect("no such name", 80)), resolve_error);
}

TEST_CASE("a connection can be made to a Unix socket", "[net][connect][unix]") {
  test_loop loop;
  const temporary_folder folder;
  const std::string path = folder.path_of("socket");
  const echo_server server(loop, address::unix_path(path));
  REQUIRE(loop.run(ask, connect_unix(path)) == "you said hello\n");

  REQUIRE_THROWS_AS(loop.run(ask, connect_unix(folder.path_of("missing"))), connect_error);
  REQUIRE_THROWS_AS(connect_unix("/" + std::string(200, 'x')), error);
}

TEST_CASE("a Unix socket whose backlog is full is waited for, as TCP does by itself",
          "[net][connect][unix]") {
  test_loop loop;
  echo_server server(loop, address::unix_path("@cetane-busy-" + std::to_string(::getpid())), 1);
  server.let_in(0);
  std::vector<join_handle<std::string>> clients;
  for (int i = 0; i < 10; ++i) {
    clients.push_back(loop.spawn(ask, connect_unix(server.bound().host())));
  }
  settle(loop);
  server.let_in(1000);
  for (auto& each : clients) {
    run_until(loop, [&] { return each.done(); });
    const auto joined = [](join_handle<std::string>& of) -> task<std::string> {
      co_return co_await of;
    };
    REQUIRE(loop.run(joined, each) == "you said hello\n");
  }
}

TEST_CASE("a connection that is made sends small pieces at once, and asks silent peers",
          "[net][connect][not-sim]") {
  test_loop loop;
  const echo_server server(loop);
  loop.run(
      [](const echo_server& to) -> task<> {
        const int next = lowest_free_descriptor();  // the one that connect is going to get
        const connection made = co_await connect("127.0.0.1", to.port());
        const auto option = [&](int layer, int name) {
          int value = 0;
          socklen_t size = sizeof value;
          REQUIRE(::getsockopt(next, layer, name, &value, &size) == 0);
          return value;
        };
        REQUIRE(option(IPPROTO_TCP, TCP_NODELAY) == 1);
        REQUIRE(option(SOL_SOCKET, SO_KEEPALIVE) == 1);
      },
      server);
}

TEST_CASE("many connections may be made at once", "[net][connect]") {
  test_loop loop;
  const echo_server server(loop);
  std::vector<join_handle<std::string>> clients;
  for (int i = 0; i < 200; ++i) {
    clients.push_back(loop.spawn(ask, connect("127.0.0.1", server.port())));
  }
  run_until(loop, [&] {
    return std::all_of(clients.begin(), clients.end(), [](auto& each) { return each.done(); });
  });
  REQUIRE(server.peers.size() == 200);
  run_until(loop, [&] {
    return loop.loop().stats().connections_opened == loop.loop().stats().connections_closed;
  });
}

}  // namespace connect_test
