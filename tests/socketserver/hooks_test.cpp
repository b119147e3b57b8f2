// The order of the hooks, and what leaves the loop, as CPython's own order was traced.
#include "socketserver_fixture.hpp"

#include "os/temporary_folder.hpp"

#include <cetane/base/errors.hpp>
#include <cetane/base/scope_exit.hpp>

#include <mutex>
#include <stdexcept>

#include <fcntl.h>

namespace hooks_test {

using namespace socketserver_fixture;
using namespace std::chrono_literals;

namespace {

// Hooks in the order in which they are called, as one line. Children write to the same pipe.
class trace {
 public:
  trace() { REQUIRE(::pipe2(ends_, O_NONBLOCK | O_CLOEXEC) == 0); }
  trace(const trace&) = delete;
  trace& operator=(const trace&) = delete;
  ~trace() {
    ::close(ends_[0]);
    ::close(ends_[1]);
  }

  void note(std::string_view hook) const {
    const std::string text = std::string(hook) + " ";
    [[maybe_unused]] const ssize_t count = ::write(ends_[1], text.data(), text.size());
  }
  std::string take() const {
    char text[4096];
    const ssize_t count = ::read(ends_[0], text, sizeof text);
    return count <= 0 ? "" : std::string(text, static_cast<std::size_t>(count) - 1);
  }

 private:
  int ends_[2];
};

enum class outcome { good, error, exit, setup_error, finish_error };

struct traced_handler : base_request_handler {
  traced_handler(const trace& to, outcome how) : trace_(to), how_(how) {}
  void setup() override {
    trace_.note("setup");
    if (how_ == outcome::setup_error) throw std::runtime_error("setup");
  }
  void handle() override {
    trace_.note("handle");
    if (how_ == outcome::error) throw std::runtime_error("handle");
    if (how_ == outcome::finish_error) throw std::logic_error("handle");
    if (how_ == outcome::exit) throw exit_request();
  }
  void finish() override {
    trace_.note("finish");
    if (how_ == outcome::finish_error) throw std::runtime_error("finish");
  }

 private:
  const trace& trace_;
  outcome how_;
};

template <class Server>
struct traced : Server {
  traced(const trace& to, outcome how)
      : Server(any_port(), [&to, how] { return std::make_unique<traced_handler>(to, how); }),
        trace_(to) {}

  void server_bind() override {
    trace_.note("server_bind");
    Server::server_bind();
  }
  void server_activate() override {
    trace_.note("server_activate");
    Server::server_activate();
  }
  void server_close() override {
    trace_.note("server_close");
    Server::server_close();
  }
  incoming get_request() override {
    trace_.note("get_request");
    return Server::get_request();
  }
  bool verify_request(request& asked, const address& client) override {
    trace_.note("verify_request");
    return Server::verify_request(asked, client);
  }
  void process_request(request& asked, const address& client) override {
    trace_.note("process_request");
    Server::process_request(asked, client);
  }
  void finish_request(request& asked, const address& client) override {
    trace_.note("finish_request");
    Server::finish_request(asked, client);
  }
  void shutdown_request(request& asked) override {
    trace_.note("shutdown_request");
    Server::shutdown_request(asked);
  }
  void close_request(request& asked) override {
    trace_.note("close_request");
    Server::close_request(asked);
  }
  void handle_error(request&, const address&, std::exception_ptr failure) override {
    trace_.note("handle_error");
    try {
      std::rethrow_exception(failure);
    } catch (const std::exception& e) {
      trace_.note(e.what());
    }
  }
  void handle_timeout() override {
    trace_.note("handle_timeout");
    Server::handle_timeout();
  }

  const trace& trace_;
};

const std::string begun = "server_bind server_activate ";
const std::string taken = "get_request verify_request process_request ";

// One request and the end of the server.
template <class Server>
std::string hooks_of(outcome how) {
  const trace seen;
  {
    live<traced<Server>> server(std::in_place, seen, how);
    const stream_client client(server.server_address());
    try {
      server.handle_request();
    } catch (const exit_request&) {
      seen.note("exit");
    }
    server.server_close();  // waits for threads and children
    std::string all = seen.take();
    return all;
  }
}

}  // namespace

TEST_CASE("a request takes the hooks in Python's order", "[socketserver][hooks]") {
  CHECK(hooks_of<tcp_server>(outcome::good) ==
        begun + taken +
            "finish_request setup handle finish shutdown_request close_request server_close");
}

TEST_CASE("a failed request takes the hooks in Python's order", "[socketserver][hooks]") {
  CHECK(hooks_of<tcp_server>(outcome::error) ==
        begun + taken +
            "finish_request setup handle finish handle_error handle shutdown_request close_request "
            "server_close");
}

TEST_CASE("a request that wants to exit takes the hooks in Python's order",
          "[socketserver][hooks]") {
  CHECK(hooks_of<tcp_server>(outcome::exit) ==
        begun + taken +
            "finish_request setup handle finish shutdown_request close_request exit server_close");
}

TEST_CASE("a failed setup is not finished", "[socketserver][hooks]") {
  CHECK(hooks_of<tcp_server>(outcome::setup_error) ==
        begun + taken +
            "finish_request setup handle_error setup shutdown_request close_request server_close");
}

TEST_CASE("what finish throws replaces what handle threw", "[socketserver][hooks]") {
  CHECK(hooks_of<tcp_server>(outcome::finish_error) ==
        begun + taken +
            "finish_request setup handle finish handle_error finish shutdown_request close_request "
            "server_close");
}

TEST_CASE("a datagram takes the hooks in Python's order", "[socketserver][hooks]") {
  const trace seen;
  live<traced<udp_server>> server(std::in_place, seen, outcome::good);
  datagram_client client(*address::parse_ip("127.0.0.1", 0));
  client.sendto("x", server.server_address());

  server.handle_request();
  server.server_close();

  CHECK(seen.take() == begun + taken +
                           "finish_request setup handle finish shutdown_request close_request "
                           "server_close");
}

TEST_CASE("a server that cannot bind is closed", "[socketserver][hooks]") {
  const trace seen;
  const TCPServer first(any_port(), handler<echo_line>);
  struct second : traced<tcp_server> {
    second(const trace& to, const address& where) : traced(to, outcome::good), where_(where) {}
    void server_bind() override {
      trace_.note("server_bind");
      throw std::runtime_error("no");
    }
    address where_;
  };

  CHECK_THROWS_AS(live<second>(std::in_place, seen, first.server_address()), std::runtime_error);

  CHECK(seen.take() == "server_bind server_close");
}

TEST_CASE("the error of a port in use says who has it and what helps", "[socketserver][hooks]") {
  const TCPServer first(any_port(), handler<echo_line>);

  try {
    const TCPServer second(first.server_address(), handler<echo_line>);
    FAIL("two servers on one port");
  } catch (const cetane::error& e) {
    const std::string text = e.what();
    CHECK(text.find("bind 127.0.0.1:") == 0);
    CHECK(text.find(std::to_string(::getpid())) != std::string::npos);
    CHECK(text.find("allow_reuse_address") != std::string::npos);
  }
}

TEST_CASE("a server may be bound later", "[socketserver][hooks]") {
  TCPServer server(defer_bind, any_port(), handler<echo_line>);
  CHECK(server.server_address() == *address::parse_ip("127.0.0.1", 0));
  CHECK(server.fileno() >= 0);

  server.server_bind();
  server.server_activate();

  CHECK(server.server_address().port() != 0);
  const stream_client client(server.server_address());
}

TEST_CASE("attributes set in a constructor count when the server binds", "[socketserver][hooks]") {
  struct reusing : tcp_server {
    reusing(endpoint where, handler_factory make) : tcp_server(std::move(where), std::move(make)) {
      allow_reuse_address = true;
      allow_reuse_port = true;
      request_queue_size = 7;
    }
  };
  const live<reusing> first(any_port(), handler<echo_line>);
  const live<reusing> second(first.server_address(), handler<echo_line>);

  for (const int name : {SO_REUSEADDR, SO_REUSEPORT}) {
    int value = 0;
    socklen_t length = sizeof value;
    REQUIRE(::getsockopt(first.fileno(), SOL_SOCKET, name, &value, &length) == 0);
    CHECK(value == 1);
  }
  const TCPServer plain(any_port(), handler<echo_line>);
  int value = 1;
  socklen_t length = sizeof value;
  REQUIRE(::getsockopt(plain.fileno(), SOL_SOCKET, SO_REUSEADDR, &value, &length) == 0);
  CHECK(value == 0);
}

TEST_CASE("names are looked up in the server's family", "[socketserver][hooks]") {
  const TCPServer four(endpoint("localhost", 0), handler<echo_line>);
  CHECK(four.server_address().host() == "127.0.0.1");
  const TCPServer all(endpoint("", 0), handler<echo_line>);
  CHECK(all.server_address().host() == "0.0.0.0");
  struct six : tcp_server {
    six(endpoint where, handler_factory make) : tcp_server(std::move(where), std::move(make)) {
      address_family = cetane::address_family::ipv6;
    }
  };
  const live<six> server(endpoint("::1", 0), handler<echo_line>);
  CHECK(server.server_address().host() == "::1");
  const stream_client client(server.server_address());

  CHECK_THROWS_AS(TCPServer(endpoint("::1", 0), handler<echo_line>), cetane::resolve_error);
  CHECK_THROWS_AS(TCPServer("no", handler<echo_line>), std::invalid_argument);
  CHECK_THROWS_AS(UnixStreamServer(any_port(), handler<echo_line>), std::invalid_argument);
}

TEST_CASE("a Unix path stays after the close, and cannot be bound again", "[socketserver][hooks]") {
  const temporary_folder folder;
  const std::string path = folder.path_of("server");
  { const UnixStreamServer server(path, handler<echo_line>); }
  CHECK(std::filesystem::is_socket(path));

  CHECK_THROWS_AS(UnixStreamServer(path, handler<echo_line>), cetane::error);
}

TEST_CASE("a closed server refuses to serve", "[socketserver][hooks]") {
  TCPServer server(any_port(), handler<echo_line>);
  server.server_close();
  server.server_close();

  CHECK(server.fileno() == -1);
  CHECK_THROWS_AS(server.handle_request(), std::logic_error);
  CHECK_THROWS_AS(server.serve_forever(), std::logic_error);
}

TEST_CASE("no request within the timeout is handle_timeout, with no service_actions",
          "[socketserver][hooks]") {
  struct timing : tcp_server {
    using tcp_server::tcp_server;
    void handle_timeout() override { ++timeouts; }
    void service_actions() override { ++actions; }
    int timeouts = 0;
    int actions = 0;
  };
  live<timing> server(any_port(), handler<echo_line>);
  server.timeout = 1ms;
  server.handle_request();
  server.timeout = 0ms;
  server.handle_request();

  CHECK(server.timeouts == 2);
  CHECK(server.actions == 0);
  CHECK(ForkingTCPServer(any_port(), handler<echo_line>).timeout == 300s);
}

TEST_CASE("service_actions is called after each request and while nothing comes",
          "[socketserver][hooks]") {
  struct acting : tcp_server {
    using tcp_server::tcp_server;
    void service_actions() override {
      if (++actions == 5) request_shutdown();
    }
    void process_request(request& asked, const address& client) override {
      ++requests;
      tcp_server::process_request(asked, client);
    }
    int actions = 0;
    int requests = 0;
  };
  live<acting> server(any_port(), call([](calling&) {}));
  const stream_client client(server.server_address());

  server.serve_forever(1ms);

  CHECK(server.actions == 5);
  CHECK(server.requests == 1);
}

TEST_CASE("a system error of get_request is passed over, another exception leaves the loop",
          "[socketserver][hooks]") {
  struct failing : tcp_server {
    using tcp_server::tcp_server;
    incoming get_request() override {
      if (++calls == 1) throw std::system_error(ECONNABORTED, std::system_category());
      throw std::runtime_error("no request");
    }
    int calls = 0;
  };
  live<failing> server(any_port(), handler<echo_line>);
  const stream_client client(server.server_address());

  CHECK_THROWS_AS(server.serve_forever(1ms), std::runtime_error);

  CHECK(server.calls == 2);
}

TEST_CASE("an exception of verify_request leaves the loop, and its request is closed",
          "[socketserver][hooks]") {
  struct failing : tcp_server {
    using tcp_server::tcp_server;
    bool verify_request(request&, const address&) override { throw std::runtime_error("no"); }
  };
  live<failing> server(any_port(), handler<echo_line>);
  stream_client client(server.server_address());

  CHECK_THROWS_AS(server.serve_forever(), std::runtime_error);

  CHECK(client.until_end().empty());
}

TEST_CASE("an exception of handle_error leaves the loop, which may be started again",
          "[socketserver][hooks]") {
  live<strict<tcp_server>> server(any_port(), call([](calling& self) {
                                    if (self.request().socket().recv(1) == "x") throw 1;
                                    self.request().socket().sendall("good");
                                  }));
  stream_client bad(server.server_address());
  bad.sendall("x");
  CHECK_THROWS_AS(server.serve_forever(), int);
  CHECK(bad.until_end().empty());

  const serving loop(server);
  stream_client good(server.server_address());
  good.sendall("y");
  CHECK(good.until_end() == "good");
}

TEST_CASE("the library's own cancellation is no error of a handler", "[socketserver][hooks]") {
  live<strict<tcp_server>> server(
      any_port(), call([](calling&) { throw cetane::cancelled(cetane::cancel_reason::user); }));
  stream_client client(server.server_address());

  CHECK_THROWS_AS(server.handle_request(), cetane::cancelled);

  CHECK(server.errors == 0);
  CHECK(client.until_end().empty());
}

}  // namespace hooks_test
