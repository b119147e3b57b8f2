#include "socketserver_fixture.hpp"

#include <csignal>
#include <stdexcept>

namespace shutdown_test {

using namespace socketserver_fixture;
using namespace std::chrono_literals;

TEST_CASE("shutdown does not wait for the interval", "[socketserver][shutdown]") {
  TCPServer server(any_port(), handler<echo_line>);
  serving loop(server, 1h);

  loop.stop();

  CHECK(loop.failure() == nullptr);
}

TEST_CASE("shutdown on the thread that serves is refused", "[socketserver][shutdown]") {
  TCPServer server(any_port(), call([](calling& self) {
                     CHECK_THROWS_AS(self.server().shutdown(), would_deadlock);
                     self.server().request_shutdown();
                   }));

  {
    const stream_client client(server.server_address());
    server.serve_forever();
  }
  const stream_client client(server.server_address());
  server.handle_request();
}

TEST_CASE("shutdown from a handler's thread ends the loop", "[socketserver][shutdown]") {
  ThreadingTCPServer server(any_port(), call([](calling& self) { self.server().shutdown(); }));
  const stream_client client(server.server_address());

  server.serve_forever(1h);

  CHECK(server.fileno() >= 0);
}

TEST_CASE("shutdown before the loop begins ends it as it begins", "[socketserver][shutdown]") {
  TCPServer server(any_port(), handler<echo_line>);
  std::thread ending([&] { server.shutdown(); });

  server.serve_forever(1h);

  ending.join();
}

TEST_CASE("shutdown after the loop has ended returns, and the next loop runs",
          "[socketserver][shutdown]") {
  TCPServer server(any_port(), handler<echo_line>);
  serving(server).stop();
  server.shutdown();

  const serving loop(server);
  stream_client client(server.server_address());
  client.sendall("again\n");
  CHECK(client.until_end() == "again\n");
}

TEST_CASE("a signal handler may ask for the end", "[socketserver][shutdown]") {
  static TCPServer* served = nullptr;
  TCPServer server(any_port(), handler<echo_line>);
  served = &server;
  struct sigaction action {
  }, before{};
  action.sa_handler = [](int) { served->request_shutdown(); };
  ::sigaction(SIGUSR1, &action, &before);
  std::raise(SIGUSR1);

  server.serve_forever(1h);

  ::sigaction(SIGUSR1, &before, nullptr);
}

TEST_CASE("a client that waits in the backlog is served by the next loop",
          "[socketserver][shutdown]") {
  TCPServer server(any_port(), handler<echo_line>);
  serving(server).stop();
  stream_client client(server.server_address());
  client.sendall("patience\n");

  const serving loop(server);

  CHECK(client.until_end() == "patience\n");
}

TEST_CASE("closing a server whose loop runs on another thread ends the loop first",
          "[socketserver][shutdown]") {
  TCPServer server(any_port(), handler<echo_line>);
  serving loop(server, 1h);
  stream_client client(server.server_address());
  client.sendall("x\n");
  CHECK(client.until_end() == "x\n");  // the loop runs

  server.server_close();

  loop.join();
  CHECK(loop.failure() == nullptr);
  CHECK(server.fileno() == -1);
}

TEST_CASE("a server closed by one of its hooks ends its loop", "[socketserver][shutdown]") {
  TCPServer server(any_port(), call([](calling& self) { self.server().server_close(); }));
  const stream_client client(server.server_address());

  server.serve_forever(1h);

  CHECK(server.fileno() == -1);
}

TEST_CASE("a second loop of one server is refused", "[socketserver][shutdown]") {
  TCPServer server(any_port(), call([](calling& self) {
                     CHECK_THROWS_AS(self.server().serve_forever(), std::logic_error);
                     CHECK_THROWS_AS(self.server().handle_request(), std::logic_error);
                   }));
  const stream_client client(server.server_address());

  server.handle_request();
}

}  // namespace shutdown_test
