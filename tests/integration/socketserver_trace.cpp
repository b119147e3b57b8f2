// Serves one request and prints every hook that is called, one line each, with the one that calls
// it: the main thread, or a worker, which is a thread or a child. socketserver_reference.py does
// the same with Python's socketserver, and socketserver_python.py compares the two.
//
// usage: socketserver_trace plain|threading|forking tcp|udp|unix_stream|unix_datagram
//                           good|error|exit [PATH]

#include <cetane/base/log.hpp>
#include <cetane/socketserver/socketserver.hpp>

#include <cstdio>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <type_traits>

#include <unistd.h>

namespace {

using namespace cetane::socketserver;
using cetane::address;

const int main_process = ::getpid();
const std::thread::id main_thread = std::this_thread::get_id();

// One write for each line, so that those of several threads and processes do not mix.
void say(std::string_view text) {
  const bool in_main = ::getpid() == main_process && std::this_thread::get_id() == main_thread;
  const std::string line = fmt::format("{} {}\n", in_main ? "main" : "worker", text);
  [[maybe_unused]] const ssize_t count = ::write(STDOUT_FILENO, line.data(), line.size());
}

void throw_as_asked(std::string_view outcome) {
  if (outcome == "error") throw std::runtime_error("broken");
  if (outcome == "exit") throw exit_request();
}

template <class Handler>
class traced_handler : public Handler {
 public:
  explicit traced_handler(std::string outcome) : outcome_(std::move(outcome)) {}
  void setup() override {
    say("setup");
    Handler::setup();
  }
  void handle() override {
    say("handle");
    this->wfile().write(this->rfile().read_line());
    throw_as_asked(outcome_);
  }
  void finish() override {
    say("finish");
    Handler::finish();
  }

 private:
  std::string outcome_;
};

template <class Server>
class traced : public Server {
 public:
  using Server::Server;

  void server_bind() override {
    say("server_bind");
    Server::server_bind();
  }
  void server_activate() override {
    say("server_activate");
    Server::server_activate();
  }
  void server_close() override {
    say("server_close");
    Server::server_close();
  }
  incoming get_request() override {
    say("get_request");
    return Server::get_request();
  }
  bool verify_request(request& asked, const address& client) override {
    say("verify_request");
    return Server::verify_request(asked, client);
  }
  void process_request(request& asked, const address& client) override {
    say("process_request");
    Server::process_request(asked, client);
    say("process_request returned");
  }
  void finish_request(request& asked, const address& client) override {
    say("finish_request");
    Server::finish_request(asked, client);
  }
  void shutdown_request(request& asked) override {
    say("shutdown_request");
    Server::shutdown_request(asked);
  }
  void close_request(request& asked) override {
    say("close_request");
    Server::close_request(asked);
  }
  void handle_error(request&, const address&, std::exception_ptr failure) override {
    try {
      std::rethrow_exception(failure);
    } catch (const std::exception& e) {
      say(fmt::format("handle_error {}", e.what()));
    }
  }
  void handle_timeout() override {
    say("handle_timeout");
    Server::handle_timeout();
  }
  void service_actions() override {
    say("service_actions");
    Server::service_actions();
  }
};

template <class Server, class Handler>
void serve(const endpoint& where, const std::string& outcome) {
  live<traced<Server>> server(
      where, [outcome] { return std::make_unique<traced_handler<Handler>>(outcome); });
  fmt::print("{}\n", server.server_address().port());
  std::fflush(stdout);
  try {
    server.handle_request();
    say("served");
  } catch (const exit_request&) {
    say("exit");
  }
  server.server_close();
  say(fmt::format("fileno {}", server.fileno()));
  if constexpr (requires { server.active_children(); }) {
    say(fmt::format("children {}", server.active_children().size()));
  }
  ::_exit(0);  // the destructor closes once more, which Python's does not
}

template <class Server, class Handler>
void serve_in_shape(std::string_view shape, const endpoint& where, const std::string& outcome) {
  if (shape == "plain") serve<Server, Handler>(where, outcome);
  if (shape == "threading") serve<threading<Server>, Handler>(where, outcome);
  if (shape == "forking") serve<forking<Server>, Handler>(where, outcome);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) return 2;
  const std::string shape = argv[1], family = argv[2], outcome = argv[3];
  const endpoint port("127.0.0.1", 0);
  const endpoint path = argc > 4 ? endpoint(argv[4]) : port;
  using on_stream = stream_request_handler;
  using on_packet = datagram_request_handler;
  if (family == "tcp") serve_in_shape<tcp_server, on_stream>(shape, port, outcome);
  if (family == "udp") serve_in_shape<udp_server, on_packet>(shape, port, outcome);
  if (family == "unix_stream") serve_in_shape<unix_stream_server, on_stream>(shape, path, outcome);
  if (family == "unix_datagram") {
    serve_in_shape<unix_datagram_server, on_packet>(shape, path, outcome);
  }
  return 2;
}
