// UDP twice: an echo, and a counter that keeps a session for each peer until it has been silent for
// 30 s.
//
// Run:   ./dev run udp_count                  it prints: listening on udp://127.0.0.1:8019
//                                                        listening on udp://127.0.0.1:8020
//        ncat --udp 127.0.0.1 8020            in a second terminal, and again in a third one
// Type:  hello
//        hello again
// See:   1: hello
//        2: hello again                       (each terminal counts for itself)
//
// It shows the two kinds of services of datagrams: one task for the socket, which answers whoever
// has sent something, and one task for each peer, with variables of its own.

#include <cetane/cetane.hpp>

using namespace std::chrono_literals;

// [handlers]
cetane::task<> echo(cetane::udp_socket& socket) {
  for (;;) {
    const cetane::datagram packet = co_await socket.receive();
    socket.send(packet.from, "you said ", packet);
  }
}

cetane::task<> count(cetane::udp_peer& peer) {
  int n = 0;
  while (auto packet = co_await cetane::move_on_after(30s, peer.receive())) {
    peer.send(fmt::format("{}: {}", ++n, *packet));
  }
  cetane::log::info("{} sent {} packets", peer.remote(), n);
}
// [/handlers]

int main(int argc, char** argv) {
  cetane::application app(argc, argv);
  app.add_service(cetane::udp_service(echo, 8019).name("echo"));
  app.add_service(cetane::udp_session_service(count, 8020).name("count"));
  return app.run();
}
