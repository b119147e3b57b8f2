// diesel's udp_echo: a service that says back every datagram, and a client for it, in one program.
//
// Run:   ./dev run diesel/udp_echo server     it prints: listening on udp://127.0.0.1:8013
//        build/examples/diesel/udp_echo client 127.0.0.1 8013       in a second terminal
// Type:  hello
// See:   you said hello                       (Ctrl-D ends it)
//
// It shows a service with one task for its socket, and a client that does not wait for ever:
// datagrams may get lost, in either direction, and then nobody says so. Where nobody receives at
// all the client is told that.

#include <cetane/cetane.hpp>

#include <string_view>

#include <unistd.h>

using namespace std::chrono_literals;

cetane::task<> echo(cetane::udp_socket& socket) {
  for (;;) {
    const cetane::datagram packet = co_await socket.receive();
    co_await socket.send(packet.from, "you said ", packet);
  }
}

// [client]
cetane::task<> ask(std::string host, std::uint16_t port) {
  cetane::udp_client server = co_await cetane::connect_udp(host, port);
  cetane::line_reader keyboard(STDIN_FILENO);
  while (auto typed = co_await keyboard.next_line()) {
    co_await server.send(*typed);
    const auto answer = co_await cetane::move_on_after(2s, server.receive());
    fmt::print("{}\n", answer ? answer->view() : "no answer within 2 s");
    std::fflush(stdout);
  }
}
// [/client]

int main(int argc, char** argv) {
  const std::string_view what = argc > 1 ? argv[1] : "";
  if (what == "server") {
    cetane::application app(argc - 1, argv + 1);
    app.add_service(cetane::udp_service(echo, 8013));
    return app.run();
  }
  if (what == "client" && argc == 4) {
    return cetane::run(ask, std::string(argv[2]), std::stoi(argv[3]));
  }
  return fmt::print(stderr, "usage: udp_echo server, or udp_echo client HOST PORT\n"), 2;
}
