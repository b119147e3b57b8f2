// Listing 2.2 of the Python Network Programming Cookbook: a server that starts a thread for each
// request, and three clients of it, all in one program.
//
// Run:   ./dev run cookbook/2_2_threading_mixin_socket_server
// See:   Server loop running on thread: Thread-1
//        Client received: Thread-2: Hello from client 1
//        Client received: Thread-3: Hello from client 2
//        Client received: Thread-4: Hello from client 3

#include <cetane/socketserver/socketserver.hpp>

#include <fmt/format.h>

#include <atomic>
#include <cstdio>
#include <exception>
#include <future>
#include <string>
#include <thread>

namespace {

namespace socketserver = cetane::socketserver;

// "Thread-1" for the first thread that asks, as Python names them.
const std::string& name_of_this_thread() {
  static std::atomic<int> threads = 0;
  thread_local const std::string name = fmt::format("Thread-{}", ++threads);
  return name;
}

// [handler]
struct threaded_request_handler : socketserver::base_request_handler {
  void handle() override {
    const std::string data = request().socket().recv(1024);
    request().socket().sendall(fmt::format("{}: {}", name_of_this_thread(), data));
  }
};
// [/handler]

void run_client(const socketserver::endpoint& server, const std::string& message) {
  socketserver::blocking_socket client = socketserver::create_connection(server);
  client.sendall(message);
  fmt::print("Client received: {}\n", client.recv(1024));
}

void run() {
  socketserver::ThreadingTCPServer server({"localhost", 0},
                                          socketserver::handler<threaded_request_handler>);
  std::promise<std::string> named;
  std::thread loop([&] {
    named.set_value(name_of_this_thread());
    server.serve_forever();
  });
  fmt::print("Server loop running on thread: {}\n", named.get_future().get());

  for (int i = 1; i <= 3; ++i) {
    run_client(server.server_address(), fmt::format("Hello from client {}", i));
  }

  server.shutdown();
  loop.join();
}

}  // namespace

int main() {
  try {
    run();
  } catch (const std::exception& e) {
    fmt::print(stderr, "{}\n", e.what());
    return 1;
  }
}
