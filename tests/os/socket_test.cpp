#include "os/socket.hpp"

#include "temporary_folder.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <string>

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace socket_test {

using namespace std::chrono_literals;
using namespace cetane::os;
using cetane::address;
using cetane::unique_fd;

namespace {

// The address of a server that did not get further than bind: nobody can take its port, and
// connecting is refused.
class bound_port {
 public:
  bound_port() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_storage raw;
    const auto length = address::parse_ip("127.0.0.1", 0)->to_sockaddr(raw);
    REQUIRE(::bind(fd_.get(), reinterpret_cast<sockaddr*>(&raw), length) == 0);
    REQUIRE(local_address(fd_.get(), where_) == 0);
  }
  const address& where() const { return where_; }

 private:
  unique_fd fd_;
  address where_;
};

struct listener {
  explicit listener(const address& wanted, const listen_options& options = {}) {
    REQUIRE(listen_on(wanted, options, fd) == 0);
    REQUIRE(local_address(fd.get(), where) == 0);
  }
  unique_fd fd;
  address where;
};

address any_port(std::string_view host = "127.0.0.1") { return *address::parse_ip(host, 0); }

void wait_for(int fd, short events) {
  pollfd waiting{fd, events, 0};
  REQUIRE(::poll(&waiting, 1, 10'000) == 1);
}

// Connects to the end, however the system goes about it.
int connect_now(const address& to, unique_fd& out, const address* from = nullptr) {
  const int result = begin_connect(to, from, out);
  if (result != -EINPROGRESS) return result;
  wait_for(out.get(), POLLOUT);
  return connect_result(out.get());
}

struct connected_pair {
  explicit connected_pair(const address& wanted = any_port()) : server(wanted) {
    REQUIRE(connect_now(server.where, client) == 0);
    wait_for(server.fd.get(), POLLIN);
    REQUIRE(accept_one(server.fd.get(), accepted, &peer) == 0);
  }
  listener server;
  unique_fd client;
  unique_fd accepted;
  address peer;
};

int option(int fd, int layer, int name) {
  int value = -1;
  socklen_t length = sizeof value;
  REQUIRE(::getsockopt(fd, layer, name, &value, &length) == 0);
  return value;
}

bool never_blocks_nor_leaks(int fd) {
  return (::fcntl(fd, F_GETFL) & O_NONBLOCK) != 0 && (::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0;
}

}  // namespace

TEST_CASE("port 0 listens on a free port that can be asked for", "[os][socket]") {
  const listener one(any_port());
  const listener other(any_port());

  CHECK(one.where.port() != 0);
  CHECK(one.where.port() != other.where.port());
  CHECK(one.where.host() == "127.0.0.1");
}

TEST_CASE("both ends of a connection know each other", "[os][socket]") {
  const connected_pair pair;
  address local, remote;

  REQUIRE(local_address(pair.client.get(), local) == 0);
  REQUIRE(peer_address(pair.client.get(), remote) == 0);

  CHECK(pair.peer == local);
  CHECK(remote == pair.server.where);
}

TEST_CASE("an IPv6 connection works as well", "[os][socket]") {
  const connected_pair pair(any_port("::1"));

  CHECK(pair.peer.host() == "::1");
}

TEST_CASE("[::] serves IPv4 unless it is told not to", "[os][socket]") {
  listen_options options;
  unique_fd client;

  SECTION("both") {
    const listener both(any_port("::"), options);
    const address by_v4 = any_port().with_port(both.where.port());
    CHECK(connect_now(by_v4, client) == 0);
  }
  SECTION("IPv6 only") {
    options.ipv6_only = true;
    const listener six(any_port("::"), options);
    CHECK(option(six.fd.get(), IPPROTO_IPV6, IPV6_V6ONLY) == 1);
  }
}

TEST_CASE("no descriptor blocks or is passed on to another program", "[os][socket]") {
  const connected_pair pair;
  unique_fd one, other, read_end, write_end, event;
  REQUIRE(make_socket_pair(one, other) == 0);
  REQUIRE(make_pipe(read_end, write_end) == 0);
  REQUIRE(make_eventfd(event) == 0);

  for (const int fd : {pair.server.fd.get(), pair.client.get(), pair.accepted.get(), one.get(),
                       other.get(), read_end.get(), write_end.get(), event.get()}) {
    CHECK(never_blocks_nor_leaks(fd));
  }
}

TEST_CASE("with nobody waiting, accepting says so", "[os][socket]") {
  const listener server(any_port());
  unique_fd accepted;

  CHECK(accept_one(server.fd.get(), accepted, nullptr) == -EAGAIN);
  CHECK_FALSE(accepted);
}

TEST_CASE("accepting works without asking for the peer", "[os][socket]") {
  const listener server(any_port());
  unique_fd client, accepted;
  REQUIRE(connect_now(server.where, client) == 0);
  wait_for(server.fd.get(), POLLIN);

  CHECK(accept_one(server.fd.get(), accepted, nullptr) == 0);
  CHECK(accepted);
}

TEST_CASE("a port that somebody listens on is in use", "[os][socket]") {
  const listener first(any_port());
  unique_fd second;

  CHECK(listen_on(first.where, {}, second) == -EADDRINUSE);
  CHECK_FALSE(second);
}

TEST_CASE("reuse_port lets several listen on one port", "[os][socket]") {
  listen_options shared;
  shared.reuse_port = true;
  const listener first(any_port(), shared);
  unique_fd second;

  CHECK(listen_on(first.where, shared, second) == 0);
}

TEST_CASE("a port can be taken again while an old connection lingers", "[os][socket]") {
  address where;
  {
    connected_pair pair;
    where = pair.server.where;
    pair.accepted.reset();  // this side closes first: its connection stays in TIME_WAIT
  }
  unique_fd again;

  CHECK(listen_on(where, {}, again) == 0);
}

TEST_CASE("a port without a listener refuses", "[os][socket]") {
  const bound_port port;
  unique_fd client;

  CHECK(connect_now(port.where(), client) == -ECONNREFUSED);
}

TEST_CASE("a connection leaves from the address it is told to", "[os][socket]") {
  const listener server(any_port("127.0.0.1"));
  const address source = any_port("127.0.0.2");
  unique_fd client;
  address local;

  REQUIRE(connect_now(server.where, client, &source) == 0);

  REQUIRE(local_address(client.get(), local) == 0);
  CHECK(local.host() == "127.0.0.2");
}

TEST_CASE("no address is refused as such", "[os][socket]") {
  unique_fd fd;

  CHECK(listen_on(address(), {}, fd) == -EAFNOSUPPORT);
  CHECK(begin_connect(address(), nullptr, fd) == -EAFNOSUPPORT);
}

TEST_CASE("a Unix socket connects by path and by abstract name", "[os][socket]") {
  const temporary_folder folder;
  const bool abstract = GENERATE(false, true);
  const std::string path =
      abstract ? "@cetane-test-" + std::to_string(::getpid()) : folder.path_of("s");

  const connected_pair pair(address::unix_path(path));

  CHECK(pair.server.where.host() == path);
  CHECK(pair.peer.to_string() == "unix:(unnamed)");
}

TEST_CASE("a Unix socket's file left behind does not stop the next server", "[os][socket]") {
  const temporary_folder folder;
  const address where = address::unix_path(folder.path_of("s"));
  { const listener gone(where); }
  REQUIRE(std::filesystem::exists(where.host()));
  unique_fd next, client;

  CHECK(listen_on(where, {}, next) == 0);
  CHECK(connect_now(where, client) == 0);
}

TEST_CASE("a Unix socket that somebody serves is in use and stays served", "[os][socket]") {
  const temporary_folder folder;
  const listener first(address::unix_path(folder.path_of("s")));
  unique_fd second, client;

  CHECK(listen_on(first.where, {}, second) == -EADDRINUSE);
  CHECK(connect_now(first.where, client) == 0);
}

TEST_CASE("a busy Unix socket is not taken for a dead one", "[os][socket]") {
  const temporary_folder folder;
  listen_options smallest;
  smallest.backlog = 0;
  const listener first(address::unix_path(folder.path_of("s")), smallest);
  unique_fd waiting, refused, second;
  REQUIRE(connect_now(first.where, waiting) == 0);
  REQUIRE(begin_connect(first.where, nullptr, refused) == -EAGAIN);

  CHECK(listen_on(first.where, {}, second) == -EADDRINUSE);
  CHECK(std::filesystem::is_socket(first.where.host()));
}

TEST_CASE("a file that is no socket is not removed for one", "[os][socket]") {
  const temporary_folder folder;
  const std::string precious = folder.write("data", "years of work");
  unique_fd fd;

  CHECK(listen_on(address::unix_path(precious), {}, fd) == -EADDRINUSE);
  CHECK(std::filesystem::file_size(precious) == 13);
}

TEST_CASE("a Unix path in no folder says so", "[os][socket]") {
  const temporary_folder folder;
  unique_fd fd;

  CHECK(listen_on(address::unix_path(folder.path_of("no/s")), {}, fd) == -ENOENT);
}

TEST_CASE("options reach the socket", "[os][socket]") {
  const connected_pair pair;
  const int fd = pair.client.get();

  CHECK(set_nodelay(fd) == 0);
  CHECK(option(fd, IPPROTO_TCP, TCP_NODELAY) != 0);
  CHECK(set_keepalive(fd, 1min, 1500ms, 3) == 0);
  CHECK(option(fd, SOL_SOCKET, SO_KEEPALIVE) == 1);
  CHECK(option(fd, IPPROTO_TCP, TCP_KEEPIDLE) == 60);
  CHECK(option(fd, IPPROTO_TCP, TCP_KEEPINTVL) == 2);
  CHECK(option(fd, IPPROTO_TCP, TCP_KEEPCNT) == 3);
}

TEST_CASE("keepalive takes spans that the kernel would refuse", "[os][socket]") {
  const connected_pair pair;

  CHECK(set_keepalive(pair.client.get(), 1000h, 0s, 3) == 0);
  CHECK(option(pair.client.get(), IPPROTO_TCP, TCP_KEEPINTVL) == 1);
}

TEST_CASE("a socket that resets on close gives its peer a reset", "[os][socket]") {
  connected_pair pair;
  char byte = 0;

  REQUIRE(set_linger_reset(pair.client.get()) == 0);
  pair.client.reset();

  wait_for(pair.accepted.get(), POLLIN);
  CHECK(::recv(pair.accepted.get(), &byte, 1, 0) == -1);
  CHECK(errno == ECONNRESET);
}

TEST_CASE("after the end of output the other direction still works", "[os][socket]") {
  const connected_pair pair;
  char byte = 0;

  REQUIRE(shutdown_write(pair.client.get()) == 0);
  wait_for(pair.accepted.get(), POLLIN);
  CHECK(::recv(pair.accepted.get(), &byte, 1, 0) == 0);

  CHECK(::send(pair.accepted.get(), "x", 1, 0) == 1);
  wait_for(pair.client.get(), POLLIN);
  CHECK(::recv(pair.client.get(), &byte, 1, 0) == 1);
}

TEST_CASE("a peer that has gone has no address any more", "[os][socket]") {
  connected_pair pair;
  address peer;
  REQUIRE(set_linger_reset(pair.client.get()) == 0);
  pair.client.reset();
  wait_for(pair.accepted.get(), POLLIN);

  CHECK(peer_address(pair.accepted.get(), peer) == -ENOTCONN);
}

TEST_CASE("bytes that the peer's kernel has not taken are counted", "[os][socket]") {
  unique_fd one, other;
  REQUIRE(make_socket_pair(one, other) == 0);

  CHECK(unsent_bytes(one.get()) == 0);
  REQUIRE(::send(one.get(), "abc", 3, 0) == 3);
  CHECK(unsent_bytes(one.get()) > 0);
  CHECK(unsent_bytes(-1) == -EBADF);
}

TEST_CASE("calls on a bad descriptor return its errno", "[os][socket]") {
  address nowhere;
  unique_fd fd;

  CHECK(local_address(-1, nowhere) == -EBADF);
  CHECK(peer_address(-1, nowhere) == -EBADF);
  CHECK(accept_one(-1, fd, nullptr) == -EBADF);
  CHECK(set_nodelay(-1) == -EBADF);
  CHECK(set_keepalive(-1, 1s, 1s, 1) == -EBADF);
  CHECK(set_linger_reset(-1) == -EBADF);
  CHECK(shutdown_write(-1) == -EBADF);
  CHECK(connect_result(-1) == -EBADF);
}

TEST_CASE("a pipe carries bytes and an event counts", "[os][socket]") {
  unique_fd read_end, write_end, event;
  REQUIRE(make_pipe(read_end, write_end) == 0);
  REQUIRE(make_eventfd(event) == 0);
  char byte = 0;
  std::uint64_t count = 2;

  CHECK(::write(write_end.get(), "x", 1) == 1);
  CHECK(::read(read_end.get(), &byte, 1) == 1);
  CHECK(::write(event.get(), &count, sizeof count) == sizeof count);
  CHECK(::write(event.get(), &count, sizeof count) == sizeof count);
  CHECK(::read(event.get(), &count, sizeof count) == sizeof count);
  CHECK(count == 4);
}

}  // namespace socket_test
