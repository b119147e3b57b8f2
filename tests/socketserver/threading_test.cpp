#include "socketserver_fixture.hpp"

#include <cetane/base/errors.hpp>
#include <cetane/base/log.hpp>
#include <cetane/base/scope_exit.hpp>

#include <csignal>

#include <pthread.h>

namespace threading_test {

using namespace socketserver_fixture;
using namespace std::chrono_literals;

namespace {

// Greets, and stays until its peer says or ends something.
void greet_and_wait(calling& self) {
  self.request().socket().sendall("hello");
  static_cast<void>(self.request().socket().recv(1));
}

}  // namespace

TEST_CASE("a slow handler in a thread keeps nobody waiting", "[socketserver][threading]") {
  ThreadingTCPServer server(any_port(), call(greet_and_wait));
  const serving loop(server);

  stream_client first(server.server_address());
  stream_client second(server.server_address());
  CHECK(first.exactly(5) == "hello");
  CHECK(second.exactly(5) == "hello");
  CHECK(server.live_threads() == 2);

  first.sendall("x");
  second.sendall("x");
  CHECK(first.until_end().empty());
  CHECK(second.until_end().empty());
}

TEST_CASE("closing joins the handlers that still run", "[socketserver][threading]") {
  door leave;
  std::atomic<bool> left = false;
  ThreadingTCPServer server(any_port(), call([&](calling& self) {
                              self.request().socket().sendall("hello");
                              leave.wait();
                              left = true;
                            }));
  stream_client client(server.server_address());
  server.handle_request();
  CHECK(client.exactly(5) == "hello");
  std::thread opening([&] { leave.open(); });

  server.server_close();

  CHECK(left);
  CHECK(server.live_threads() == 0);
  opening.join();
}

TEST_CASE("closing may break the connections of handlers that wait", "[socketserver][threading]") {
  std::atomic<bool> told = false;
  ThreadingTCPServer server(any_port(), call([&](calling& self) {
                              const std::stop_callback heard(self.stop(), [&] { told = true; });
                              greet_and_wait(self);
                            }));
  server.close_policy = on_close::abort_then_join;
  stream_client client(server.server_address());
  server.handle_request();
  CHECK(client.exactly(5) == "hello");

  server.server_close();  // would wait for ever for the client

  CHECK(told);
  CHECK(server.live_threads() == 0);
}

TEST_CASE("closing may leave handlers alone, and the server outlives them",
          "[socketserver][threading]") {
  std::atomic<bool> left = false;
  std::thread peer;
  {
    ThreadingTCPServer server(any_port(), call([&](calling& self) {
                                greet_and_wait(self);
                                left = true;
                              }));
    server.close_policy = on_close::detach;
    auto client = std::make_unique<stream_client>(server.server_address());
    server.handle_request();
    CHECK(client->exactly(5) == "hello");

    server.server_close();  // returns although the handler waits

    CHECK(server.fileno() == -1);
    CHECK(server.live_threads() == 1);
    peer = std::thread([own = std::move(client)] { own->sendall("x"); });
  }
  CHECK(left);
  peer.join();
}

TEST_CASE("a handler in a thread has the whole of its server to the end",
          "[socketserver][threading]") {
  static std::size_t hooks_at_the_end;
  struct counting : threading<tcp_server> {
    using threading::threading;
    ~counting() override { hooks_at_the_end = names.size(); }
    void shutdown_request(request& asked) override {
      names.push_back("overridden");
      threading::shutdown_request(asked);
    }
    std::vector<std::string> names;
  };
  door closing;
  std::thread peer;
  {
    live<counting> server(any_port(), call(greet_and_wait));
    auto client = std::make_unique<stream_client>(server.server_address());
    server.handle_request();
    CHECK(client->exactly(5) == "hello");
    peer = std::thread([&closing, own = std::move(client)] {
      closing.wait();
      own->sendall("x");
    });
    closing.open();
  }
  peer.join();

  CHECK(hooks_at_the_end == 1);
}

TEST_CASE("at max_threads the server rests, and goes on when a handler ends",
          "[socketserver][threading]") {
  ThreadingTCPServer server(any_port(), call(greet_and_wait));
  server.max_threads = 2;
  const serving loop(server, 1h);
  stream_client first(server.server_address());
  stream_client second(server.server_address());
  CHECK(first.exactly(5) == "hello");
  CHECK(second.exactly(5) == "hello");
  stream_client third(server.server_address());

  first.sendall("x");

  CHECK(third.exactly(5) == "hello");
  CHECK(server.live_threads() <= 2);
  second.close();
  third.close();
}

TEST_CASE("handle_error runs in the handler's thread, and its own failure is logged",
          "[socketserver][threading]") {
  std::vector<std::string> lines;
  cetane::log::set_sink([&](auto, auto, std::string_view text) { lines.emplace_back(text); });
  const cetane::scope_exit no_sink([] { cetane::log::set_sink({}); });
  live<strict<threading<tcp_server>>> server(
      any_port(), call([](calling&) { throw std::runtime_error("broken handler"); }));
  stream_client client(server.server_address());

  server.handle_request();

  CHECK(client.until_end().empty());
  server.server_close();
  CHECK(server.errors == 1);
  REQUIRE(lines.size() == 1);
  CHECK(lines[0].find("broken handler") != std::string::npos);
}

TEST_CASE("signals do not reach the threads of handlers", "[socketserver][threading]") {
  std::atomic<bool> all_blocked = false;
  ThreadingTCPServer server(any_port(), call([&](calling&) {
                              sigset_t now;
                              ::pthread_sigmask(SIG_SETMASK, nullptr, &now);
                              all_blocked = ::sigismember(&now, SIGTERM) == 1 &&
                                            ::sigismember(&now, SIGUSR1) == 1;
                            }));
  stream_client client(server.server_address());
  server.handle_request();
  CHECK(client.until_end().empty());

  CHECK(all_blocked);
  sigset_t now;
  ::pthread_sigmask(SIG_SETMASK, nullptr, &now);
  CHECK(::sigismember(&now, SIGTERM) == 0);
}

TEST_CASE("a handler that closes its own server is refused, and may ask for the end",
          "[socketserver][threading]") {
  ThreadingTCPServer server(any_port(), call([](calling& self) {
                              CHECK_THROWS_AS(self.server().server_close(), would_deadlock);
                              self.server().request_shutdown();
                            }));
  const stream_client client(server.server_address());

  server.serve_forever(1h);

  CHECK(server.fileno() >= 0);
}

TEST_CASE("a datagram's thread may answer after the server has closed",
          "[socketserver][threading]") {
  door leave;
  ThreadingUDPServer server(any_port(), call([&](calling& self) {
                              leave.wait();
                              self.request().socket().sendto("late", self.client_address());
                            }));
  server.close_policy = on_close::detach;
  datagram_client client(*address::parse_ip("127.0.0.1", 0));
  client.sendto("x", server.server_address());
  server.handle_request();

  server.server_close();
  CHECK(server.fileno() == -1);
  leave.open();

  address from;
  CHECK(client.recvfrom(100, from) == "late");
}

TEST_CASE("a thread cancelled by pthread_exit closes its connection and is joined",
          "[socketserver][threading]") {
  ThreadingTCPServer server(any_port(), call([](calling&) { ::pthread_exit(nullptr); }));
  stream_client client(server.server_address());

  server.handle_request();

  CHECK(client.until_end().empty());
  server.server_close();
  CHECK(server.live_threads() == 0);
}

TEST_CASE("of 500 requests and 50 aborted ones in threads nothing is left",
          "[socketserver][threading]") {
  live<strict<threading<tcp_server>>> server(
      any_port(), call([](calling& self) {
        try {
          self.request().socket().sendall(self.request().socket().recv(100));
        } catch (const cetane::connection_error&) {
          // aborted
        }
      }));
  server.request_queue_size = 100;
  server.server_activate();  // listens again, with the longer queue
  const std::size_t before = open_descriptors();
  int answered = 0;
  long allocated = 0;
  {
    const serving loop(server);
    for (int i = 0; i < 500; ++i) {
      if (i == 100) allocated = allocated_bytes();  // what is made once has been made
      stream_client client(server.server_address());
      client.sendall("hello");
      if (client.until_end() == "hello") ++answered;
      if (i % 10 == 0) {
        const stream_client aborted(server.server_address());
        cetane::os::set_linger_reset(aborted.fileno());
      }
    }
  }
  server.server_close();

  CHECK(answered == 500);
  CHECK(allocated_bytes() - allocated < small_change);
  CHECK(server.errors == 0);
  CHECK(server.live_threads() == 0);
  CHECK(server.tracked_threads() == 0);
  CHECK(open_descriptors() == before - 1);  // the listener
}

}  // namespace threading_test
