#include "socketserver_fixture.hpp"

#include "os/temporary_folder.hpp"

#include <cetane/base/errors.hpp>
#include <cetane/os/process.hpp>

#include <array>

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

namespace request_test {

using namespace socketserver_fixture;
using namespace std::chrono_literals;

namespace {

address some_port() { return *address::parse_ip("127.0.0.1", 0); }

struct connected_pair {
  connected_pair() {
    unique_fd fds[2];
    REQUIRE(cetane::os::make_socket_pair(fds[0], fds[1]) == 0);
    near = std::make_unique<blocking_socket>(std::move(fds[0]));
    far = std::make_unique<blocking_socket>(std::move(fds[1]));
  }
  std::unique_ptr<blocking_socket> near, far;
};

}  // namespace

TEST_CASE("a handler that writes nothing answers with an empty datagram", "[socketserver]") {
  struct silent : datagram_request_handler {};
  UDPServer server(any_port(), handler<silent>);
  datagram_client client(some_port());
  client.sendto("hello", server.server_address());

  server.handle_request();

  address from;
  CHECK(client.recvfrom(100, from).empty());
  CHECK(from == server.server_address());
}

TEST_CASE("a handler of a datagram that fails has answered all the same", "[socketserver]") {
  struct failing : datagram_request_handler {
    void handle() override {
      wfile().write("so far");
      throw 1;
    }
  };
  live<strict<udp_server>> server(any_port(), handler<failing>);
  datagram_client client(some_port());
  client.sendto("hello", server.server_address());

  CHECK_THROWS_AS(server.handle_request(), int);

  address from;
  CHECK(client.recvfrom(100, from) == "so far");
}

TEST_CASE("a datagram longer than max_packet_size is cut off", "[socketserver]") {
  std::size_t length = 0;
  UDPServer server(any_port(), call([&](calling& self) { length = self.request().data().size(); }));
  datagram_client client(some_port());
  client.sendto(std::string(9000, 'x'), server.server_address());
  client.sendto(std::string(9000, 'x'), server.server_address());

  server.handle_request();
  CHECK(length == 8192);
  server.max_packet_size = 100;
  server.handle_request();
  CHECK(length == 100);
}

TEST_CASE("a client without an address gets no answer, and that is an error of the request",
          "[socketserver]") {
  const temporary_folder folder;
  live<strict<unix_datagram_server>> server(folder.path_of("server"), handler<echo_packet>);
  datagram_client client{address()};
  client.sendto("hello\n", server.server_address());

  CHECK_THROWS_AS(server.handle_request(), cetane::connection_error);

  CHECK(server.errors == 1);
}

TEST_CASE("a Unix stream's client has no name", "[socketserver]") {
  const temporary_folder folder;
  address seen = some_port();
  UnixStreamServer server(folder.path_of("server"),
                          call([&](calling& self) { seen = self.client_address(); }));
  const stream_client client(server.server_address());

  server.handle_request();

  CHECK(seen.host().empty());
  CHECK(seen.is_unix());
}

TEST_CASE("a stream handler's timeout ends a read that waits", "[socketserver]") {
  struct impatient : stream_request_handler {
    impatient() { timeout = 1ms; }
    void handle() override {
      CHECK_THROWS_AS(rfile().read_line(), cetane::timed_out);
      wfile().write("too late");
    }
  };
  TCPServer server(any_port(), handler<impatient>);
  stream_client client(server.server_address());
  client.sendall("half a li");

  server.handle_request();

  CHECK(client.until_end() == "too late");
}

TEST_CASE("writing to a peer that has gone is an exception, not a signal", "[socketserver]") {
  connected_pair pair;
  pair.far.reset();

  CHECK_THROWS_AS(pair.near->sendall("x"), cetane::connection_error);
}

TEST_CASE("output that is buffered goes out at the end, if anybody is there", "[socketserver]") {
  struct buffering : stream_request_handler {
    buffering() {
      wbufsize = -1;
      disable_nagle_algorithm = true;
    }
    void handle() override {
      int on = 0;
      socklen_t length = sizeof on;
      ::getsockopt(connection().fileno(), IPPROTO_TCP, TCP_NODELAY, &on, &length);
      CHECK(on != 0);
      CHECK(wfile().write("one ") == 4);
      wfile().write("two");
      CHECK(wfile().collected() == "one two");
      if (connection().recv(1).empty()) connection().abort();
    }
  };
  live<strict<tcp_server>> server(any_port(), handler<buffering>);
  {
    stream_client client(server.server_address());
    client.sendall("x");
    server.handle_request();
    CHECK(client.until_end() == "one two");
  }
  stream_client gone(server.server_address());
  gone.close();
  server.handle_request();
  CHECK(server.errors == 0);
}

TEST_CASE("buffered output goes out when the buffer is full", "[socketserver]") {
  const connected_pair pair;
  writer out(*pair.near, 4);

  out.write("abc");
  CHECK(out.collected() == "abc");
  out.write("de");
  CHECK(out.collected().empty());
  CHECK(pair.far->recv(100) == "abcde");
  out.flush();
}

TEST_CASE("a reader gives lines, counts and the rest", "[socketserver]") {
  const connected_pair pair;
  pair.near->sendall("first\r\nsecond\n\n12345the rest");
  pair.near->shutdown_write();
  const std::size_t buffer_bytes = 4;
  reader in(*pair.far, buffer_bytes);

  CHECK(in.read_line() == "first\r\n");
  CHECK(in.read_line() == "second\n");
  CHECK(in.read_line() == "\n");
  CHECK(in.read(5) == "12345");
  CHECK(in.read_all() == "the rest");
  CHECK(in.read_line().empty());
  CHECK(in.read(1).empty());
}

TEST_CASE("a reader without a buffer reads no further than it is asked to", "[socketserver]") {
  const connected_pair pair;
  pair.near->sendall("line\nrest");
  reader in(*pair.far, 0);

  CHECK(in.read_line() == "line\n");
  CHECK(pair.far->recv(100) == "rest");
}

TEST_CASE("a byte that comes alone takes no more memory for a large read", "[socketserver]") {
  const connected_pair pair;
  pair.near->sendall("x");
  CHECK(pair.far->recv(cetane::default_receive_limit).capacity() <= 128 * 1024);

  const std::string text(300'000, 'x');
  std::thread sender([&] { pair.near->sendall(text); });
  reader in(*pair.far, 0);
  CHECK(in.read(text.size()) == text);
  sender.join();
}

TEST_CASE("a reader refuses more than its limits and loses nothing", "[socketserver]") {
  reader in("0123456789\nrest");

  CHECK_THROWS_AS(in.read_line(10), cetane::message_too_long);
  CHECK(in.read_line(11) == "0123456789\n");
  CHECK_THROWS_AS(in.read_all(3), cetane::message_too_long);
  CHECK_THROWS_AS(in.read(std::size_t{1} << 40), cetane::message_too_long);
  CHECK(in.read_all(4) == "rest");

  const connected_pair pair;
  pair.near->sendall(std::string(5000, 'x'));
  reader endless(*pair.far, 8192);
  CHECK_THROWS_AS(endless.read_line(4999), cetane::message_too_long);
  CHECK(endless.read(5000).size() == 5000);
}

TEST_CASE("a socket says which of its calls failed, and with whom", "[socketserver]") {
  connected_pair pair;
  CHECK_THROWS_AS(pair.near->settimeout(-1ms), std::invalid_argument);
  pair.near->settimeout(1ms);
  CHECK(pair.near->gettimeout() == 1ms);
  CHECK_THROWS_AS(pair.near->recv(1), cetane::timed_out);
  std::string full(1 << 20, 'x');
  CHECK_THROWS_AS(
      [&] {
        for (;;) pair.near->sendall(full);
      }(),
      cetane::timed_out);
  pair.near->abort();
  pair.near->close();
  pair.near->close();
  pair.near->abort();
  CHECK(pair.near->fileno() == -1);
  CHECK_THROWS_AS(pair.near->recv(1), cetane::connection_error);
  CHECK_THROWS_AS(pair.near->getsockname(), cetane::error);
  CHECK_THROWS_AS(pair.near->getpeername(), cetane::error);
}

TEST_CASE("a client connects, or is told why not", "[socketserver]") {
  address where;
  {
    TCPServer server(any_port(), handler<echo_line>);
    where = server.server_address();
    blocking_socket client = create_connection(endpoint("localhost", where.port()));
    CHECK(client.getpeername() == where);
    client.sendall("hello\n");
    server.handle_request();
    CHECK(client.recv(100) == "hello\n");
  }
  CHECK_THROWS_AS(create_connection(where), cetane::connect_error);
  CHECK_THROWS_AS(create_connection("@cetane-nobody-listens-here"), cetane::connect_error);
  CHECK_THROWS_AS(create_connection(endpoint({"127.0.0.1\0.com", 14}, 80)), cetane::resolve_error);
}

TEST_CASE("a child has no part in a connection that another thread is making",
          "[socketserver][fork]") {
  live<tcp_server> server(cetane::socketserver::defer_bind, any_port(), handler<echo_line>);
  server.request_queue_size = 0;
  server.server_bind();
  server.server_activate();
  std::array<unique_fd, 3> crowd;  // so the next one waits
  for (unique_fd& each : crowd) cetane::os::begin_connect(server.server_address(), nullptr, each);
  const int next = ::dup(0);
  ::close(next);
  std::thread waiting([&] {
    try {
      static_cast<void>(create_connection(server.server_address(), 100ms));
    } catch (const cetane::connect_timeout&) {
      // as it should
    }
  });
  while (::fcntl(next, F_GETFD) < 0) std::this_thread::yield();

  auto child =
      cetane::fork_process([next] { return ::fcntl(next, F_GETFD) < 0 && errno == EBADF ? 0 : 1; });

  CHECK(child.wait().success());
  waiting.join();
}

TEST_CASE("a client waits for a Unix server whose backlog is full", "[socketserver]") {
  struct picky : unix_stream_server {
    picky(endpoint where, handler_factory make)
        : unix_stream_server(std::move(where), std::move(make)) {
      request_queue_size = 0;
    }
  };
  const std::string path = "@cetane-full-" + std::to_string(::getpid());
  live<picky> server(path, handler<echo_line>);
  blocking_socket first = create_connection(path);
  CHECK_THROWS_AS(create_connection(path, 20ms), cetane::connect_timeout);
  first.sendall("one\n");

  std::thread second([&] { create_connection(path).sendall("two\n"); });
  server.handle_request();
  server.handle_request();
  second.join();

  CHECK(first.recv(100) == "one\n");
}

}  // namespace request_test
