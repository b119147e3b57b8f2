// Names with several addresses on every backend: a backend of the test's own says which.
#include <net/net_fixture.hpp>
#include <os/temporary_folder.hpp>
#include <support/forwarding_backend.hpp>

#include <net/listener.hpp>

#include <cetane/base/errors.hpp>
#include <cetane/net/connect.hpp>

#include <algorithm>
#include <cerrno>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace connect_names_test {

using namespace cetane;
using namespace cetane::test;

namespace {

// Knows names, fails where it is told to, and counts what is open.
class naming_backend final : public forwarding_backend {
 public:
  using forwarding_backend::forwarding_backend;

  std::optional<detail::name_answer> look_up(const std::string& name) override {
    detail::name_answer answer;
    for (const char* ip : names.at(name)) answer.addresses.push_back(*address::parse_ip(ip, 0));
    return answer;
  }
  int connect(const address& to, const address* from, int& descriptor) override {
    if (connect_fails != 0) return std::exchange(connect_fails, 0);
    descriptor = -1;
    const int result = forwarding_backend::connect(to, from, descriptor);
    ++attempts;
    if (descriptor >= 0) ++open;
    return result;
  }
  int accept(detail::poll_io& listener, int& descriptor, address& peer) override {
    const int result = forwarding_backend::accept(listener, descriptor, peer);
    if (result == 0) ++open;
    return result;
  }
  void close(int descriptor, bool reset) noexcept override {
    --open;
    forwarding_backend::close(descriptor, reset);
  }
  int peer_address(int descriptor, address& out) override {
    if (peer_address_fails != 0) return std::exchange(peer_address_fails, 0);
    return forwarding_backend::peer_address(descriptor, out);
  }
  int watch(detail::poll_io& object) override {
    if (watch_fails != 0) return std::exchange(watch_fails, 0);
    return forwarding_backend::watch(object);
  }
  int watch(detail::stream_io& stream, bool is_tcp) override {
    return forwarding_backend::watch(stream, is_tcp);
  }

  std::map<std::string, std::vector<const char*>> names;
  int connect_fails = 0;
  int peer_address_fails = 0;
  int watch_fails = 0;
  int attempts = 0;
  int open = 0;  // sockets that were connected or accepted, less all that were closed
};

class named_loop {
 public:
  named_loop() : named_loop(std::make_unique<naming_backend>(make_test_backend())) {}

  naming_backend& io;
  test_loop loop;

 private:
  explicit named_loop(std::unique_ptr<naming_backend> of) : io(*of), loop(std::move(of)) {}
};

// Takes what comes, and says where it came.
class door final : detail::accept_sink {
 public:
  door(test_loop& loop, const address& at, int backlog = 500)
      : loop_(loop), listener_(loop, *this) {
    detail::listen_request request;
    request.backlog = backlog;
    REQUIRE(listener_.open(at, request, 64) == 0);
  }
  const address& bound() const { return listener_.bound(); }
  std::uint16_t port() const { return bound().port(); }
  bool open = true;

 private:
  static task<> tell_where(connection& peer) { co_await peer.send(peer.local().to_string(), "\n"); }
  void on_accept(int descriptor, const address& peer) noexcept override {
    static const connection_limits usual;
    auto made = std::make_unique<detail::stream>(loop_, usual);
    REQUIRE(made->open(descriptor, peer) == 0);
    std::ignore = loop_.spawn(tell_where, connection(*made.release()));
  }
  bool has_room() noexcept override { return open; }

  test_loop& loop_;
  detail::listener listener_;
};

task<std::string> ask(connect_op op) {
  connection server = co_await std::move(op);
  co_return co_await server.until_eof();
}

std::string failure(test_loop& loop, connect_op op) {
  try {
    return loop.run(ask, std::move(op));
  } catch (const connect_error& e) {
    return e.what();
  }
}

address at(const char* ip, std::uint16_t port = 0) { return *address::parse_ip(ip, port); }

void expect_all_closed(named_loop& on, int before) {
  run_until(on.loop, [&] {
    const auto stats = on.loop.loop().stats();
    return stats.connections_opened == stats.connections_closed;
  });
  REQUIRE(on.io.open == before);
}

}  // namespace

TEST_CASE("where the first address of a name refuses the second is taken", "[net][connect]") {
  named_loop on;
  const door server(on.loop, at("127.0.0.2"));
  on.io.names["db"] = {"127.0.0.3", "127.0.0.2"};
  const int before = on.io.open;

  REQUIRE(on.loop.run(ask, connect("db", server.port())) == server.bound().to_string() + "\n");
  REQUIRE(on.io.attempts == 2);
  expect_all_closed(on, before);
}

TEST_CASE("where the first address of a name is silent the second is taken", "[net][connect]") {
  named_loop on;
  const door server(on.loop, at("127.0.0.2"));
  door silent(on.loop, at("127.0.0.4", server.port()), 0);
  silent.open = false;
  std::vector<int> waiting;  // they fill its backlog, so that the system no longer answers
  for (int i = 0; i < 4; ++i) {
    int client = -1;
    std::ignore = on.loop.loop().io().connect(silent.bound(), nullptr, client);
    waiting.push_back(client);
    settle(on.loop);
  }
  on.io.names["db"] = {"127.0.0.4", "127.0.0.2"};
  on.io.attempts = 0;
  const int before = on.io.open;

  REQUIRE(on.loop.run(ask, connect("db", server.port()).attempt_delay(100ms)) ==
          server.bound().to_string() + "\n");
  REQUIRE(on.io.attempts == 2);
  expect_all_closed(on, before);
  for (const int each : waiting) on.loop.loop().io().close(each, false);
}

TEST_CASE("where all addresses of a name refuse, each is named with its reason", "[net][connect]") {
  named_loop on;
  const std::uint16_t port = door(on.loop, at("127.0.0.2")).port();
  on.io.names["db"] = {"127.0.0.3", "127.0.0.2"};
  const int before = on.io.open;

  REQUIRE(failure(on.loop, connect("db", port)) ==
          fmt::format("connect to db:{0}: 127.0.0.3:{0}: connection refused; 127.0.0.2:{0}: "
                      "connection refused",
                      port));
  REQUIRE(on.io.open == before);
}

TEST_CASE("an address that cannot even be tried is followed by the next one", "[net][connect]") {
  named_loop on;
  const door server(on.loop, at("127.0.0.2"));
  on.io.names["db"] = {"127.0.0.2", "127.0.0.2", "127.0.0.3"};
  const int before = on.io.open;

  SECTION("no way there") {
    on.io.names["db"] = {"127.0.0.3", "127.0.0.2"};
    on.io.connect_fails = -ENETUNREACH;
    REQUIRE(on.loop.run(ask, connect("db", server.port())).starts_with("127.0.0.2"));
    REQUIRE(on.io.attempts == 1);
  }
  SECTION("no memory to watch it") {
    on.io.names["db"] = {"127.0.0.3", "127.0.0.2"};
    on.io.watch_fails = -ENOMEM;
    REQUIRE(on.loop.run(ask, connect("db", server.port())).starts_with("127.0.0.2"));
  }
  SECTION("and the same one is tried once") {
    REQUIRE(on.loop.run(ask, connect("db", server.port())).starts_with("127.0.0.2"));
    REQUIRE(on.io.attempts == 1);
  }
  expect_all_closed(on, before);
}

TEST_CASE("W30 a connect that succeeds at once gives a connection that works",
          "[net][connect][unix]") {
  test_loop loop;
  const temporary_folder folder;
  const door server(loop, address::unix_path(folder.path_of("socket")));

  REQUIRE(loop.run(ask, connect_unix(server.bound().host())) == server.bound().to_string() + "\n");
}

TEST_CASE("W30 a connect whose peer cannot be named ends all the same", "[net][connect]") {
  named_loop on;
  const door server(on.loop, at("127.0.0.2"));
  const int before = on.io.open;
  on.io.peer_address_fails = -ENOBUFS;

  REQUIRE(failure(on.loop, connect("127.0.0.2", server.port())).find("127.0.0.2") !=
          std::string::npos);
  expect_all_closed(on, before);
}

TEST_CASE("W20 a name leads to IPv6 as well as to IPv4", "[net][connect][ipv6]") {
  named_loop on;
  on.io.names["six"] = {"::1"};
  on.io.names["both"] = {"127.0.0.9", "::1"};
  int descriptor = -1;
  address bound;
  if (on.loop.loop().io().listen(at("::1"), {}, descriptor, bound) < 0)
    SKIP("this machine has no ::1");
  on.loop.loop().io().close(descriptor, false);
  const door server(on.loop, at("::1"));

  REQUIRE(on.loop.run(ask, connect("six", server.port())).starts_with("[::1]"));
  REQUIRE(on.loop.run(ask, connect("both", server.port())).starts_with("[::1]"));
}

}  // namespace connect_names_test
