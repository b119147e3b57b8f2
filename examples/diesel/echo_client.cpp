// diesel's echo_client: what you type goes to a server, and its answer is printed.
//
// Run:   ./dev run echo, and in another terminal: ./dev run diesel/echo_client 127.0.0.1 8013
// Type:  hello
// See:   you said hello                       (Ctrl-D ends it)
//
// It shows connect, and one task that waits for the keyboard and for the network by turns.

#include <cetane/cetane.hpp>

#include <unistd.h>

using namespace std::chrono_literals;

cetane::task<> ask(std::string host, std::uint16_t port) {
  cetane::connection server = co_await cetane::connect(host, port).timeout(5s);
  cetane::line_reader keyboard(STDIN_FILENO);
  while (auto typed = co_await keyboard.next_line()) {
    co_await server.send(*typed, "\r\n");
    const auto answer = co_await server.next_line();
    if (!answer) break;
    fmt::print("{}\n", *answer);
    std::fflush(stdout);
  }
}

int main(int argc, char** argv) {
  if (argc != 3) return fmt::print(stderr, "usage: echo_client HOST PORT\n"), 2;
  return cetane::run(ask, std::string(argv[1]), std::stoi(argv[2]));
}
