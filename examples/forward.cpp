// A port forwarder: forward LOCAL_PORT HOST PORT. When one side has finished, the other may still
// talk.
//
// Run:   ./dev run echo, and in another terminal: ./dev run forward 8000 127.0.0.1 8013
//        it prints: listening on tcp://127.0.0.1:8000
// Type:  nc 127.0.0.1 8000              then: hello
// See:   you said hello                 from the echo server, which sees the forwarder only
// Ctrl-C ends it.
//
// It shows two tasks on two connections: all() waits for both, and send_eof() passes on the end of
// one direction while the other goes on.

#include <cetane/cetane.hpp>
using namespace std::chrono_literals;

cetane::task<> pump(cetane::connection& from, cetane::connection& to) {
  while (auto chunk = co_await from.next_chunk()) co_await to.send(*chunk);
  co_await to.send_eof();
}

cetane::task<> forward(cetane::connection& client, const std::string& host, std::uint16_t port) {
  cetane::connection server = co_await cetane::connect(host, port).timeout(5s);
  co_await cetane::all(pump(client, server), pump(server, client));
}

int main(int argc, char** argv) {
  if (argc < 4) return fmt::print(stderr, "usage: forward LOCAL_PORT HOST PORT\n"), 2;
  cetane::application app;
  app.add_service(
      cetane::service(forward, std::stoi(argv[1]), std::string(argv[2]), std::stoi(argv[3])));
  return app.run();
}
