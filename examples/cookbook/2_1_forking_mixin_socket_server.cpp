// Listing 2.1 of the Python Network Programming Cookbook: a server that forks a process for each
// request, and two clients of it, all in one program.
//
// Run:   ./dev run cookbook/2_1_forking_mixin_socket_server
// See:   Server loop running PID: 12608
//        PID 12608 Sending echo message to the server : "Hello echo server!"
//        Sent: 18 characters, so far...
//        Server sending response [current_process_id: data] = [12610: Hello echo server!]
//        PID 12608 received: : Hello echo server!
//        and the last four lines once more, with another process 12611
//
// The server's loop runs on a thread beside the clients, so a process with threads is forked here.
// examples/cookbook/forking_echo_tasks.cpp does the same with tasks, in one process.

#include <cetane/socketserver/socketserver.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <string>
#include <thread>

#include <unistd.h>

namespace {

namespace socketserver = cetane::socketserver;

// A whole line at once: parent and child share the terminal.
void say(const std::string& line) {
  std::fputs((line + "\n").c_str(), stdout);
  std::fflush(stdout);
}

// [handler]
struct forking_server_handler : socketserver::base_request_handler {
  void handle() override {
    const std::string data = request().socket().recv(1024);
    const std::string response = fmt::format("{}: {}", ::getpid(), data);
    say(fmt::format("Server sending response [current_process_id: data] = [{}]", response));
    request().socket().sendall(response);
  }
};
// [/handler]

void run_client(const socketserver::endpoint& server) {
  const std::string message = "Hello echo server!";
  socketserver::blocking_socket client = socketserver::create_connection(server);
  say(fmt::format("PID {} Sending echo message to the server : \"{}\"", ::getpid(), message));
  const std::size_t sent = client.send(message);
  say(fmt::format("Sent: {} characters, so far...", sent));
  const std::string response = client.recv(1024);
  // What comes before the colon is the number of the server's process.
  const std::size_t colon = std::min(response.find(':'), response.size());
  say(fmt::format("PID {} received: {}", ::getpid(), response.substr(colon)));
}

// [main]
void run() {
  socketserver::ForkingTCPServer server({"localhost", 0},
                                        socketserver::handler<forking_server_handler>);
  std::thread loop([&] { server.serve_forever(); });
  say(fmt::format("Server loop running PID: {}", ::getpid()));

  run_client(server.server_address());
  run_client(server.server_address());

  server.shutdown();
  loop.join();
}
// [/main]

}  // namespace

int main() {
  try {
    run();
  } catch (const std::exception& e) {
    fmt::print(stderr, "{}\n", e.what());
    return 1;
  }
}
