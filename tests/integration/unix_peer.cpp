// The other end for tests of Unix sockets with foreign programs.
//
// unix_peer serve PATH              says back lines on a stream socket
// unix_peer serve-datagrams PATH    and datagrams
// unix_peer ask PATH                sends its input, and prints what comes back
// unix_peer ask-datagrams PATH      a datagram for each line, and an answer to each

#include <cetane/cetane.hpp>

#include <cstdio>
#include <string_view>

#include <unistd.h>

using namespace std::chrono_literals;

namespace {

cetane::task<> echo(cetane::connection& peer) {
  for (;;) {
    const std::string line = co_await peer.until_eol();
    co_await peer.print("user {} said {}", peer.peer_credentials().uid, line);
  }
}

cetane::task<> echo_datagrams(cetane::udp_socket& socket) {
  for (;;) {
    const cetane::datagram packet = co_await socket.receive();
    co_await socket.send(packet.from, "you said ", packet);
  }
}

cetane::task<> print_all(cetane::connection& from) {
  while (const auto some = co_await from.next_chunk()) {
    fmt::print("{}", some->view());
    std::fflush(stdout);
  }
}

cetane::task<> send_input(cetane::connection& to) {
  cetane::line_reader input(STDIN_FILENO);
  while (const auto line = co_await input.next_line()) co_await to.send(*line, "\n");
  co_await to.send_eof();
}

cetane::task<> ask(std::string path) {
  cetane::connection server = co_await cetane::connect_unix(path).timeout(5s);
  co_await cetane::all(send_input(server), print_all(server));
}

cetane::task<> ask_datagrams(std::string path) {
  cetane::udp_peer server = co_await cetane::connect_unix_datagram(path);
  cetane::line_reader input(STDIN_FILENO);
  while (const auto line = co_await input.next_line()) {
    co_await server.send(*line);
    const cetane::datagram answer = co_await server.receive();
    fmt::print("{}\n", answer);
    std::fflush(stdout);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return fmt::print(stderr, "usage: unix_peer WHAT PATH\n"), 2;
  const std::string_view what = argv[1];
  const std::string path = argv[2];
  if (what == "ask") return cetane::run(ask, path);
  if (what == "ask-datagrams") return cetane::run(ask_datagrams, path);
  cetane::application app(argc - 2, argv + 2);
  if (what == "serve") {
    app.add_service(cetane::unix_service(echo, path));
  } else {
    app.add_service(cetane::unix_datagram_service(echo_datagrams, path));
  }
  return app.run();
}
