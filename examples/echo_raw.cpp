// Sends back every byte as it comes, lines or not.
//
// Run:   ./dev run echo_raw             it prints: listening on tcp://127.0.0.1:8013
// Type:  printf 'some bytes' | nc -q 1 127.0.0.1 8013
// See:   some bytes
// Ctrl-C ends the server.
#include <cetane/cetane.hpp>

cetane::task<> echo(cetane::connection& peer) {
  while (true) co_await peer.send(co_await peer.receive_some());
}  // a peer that leaves ends the task by connection_closed

int main(int argc, char** argv) {
  cetane::application app(argc, argv);
  app.add_service(cetane::service(echo, 8013));
  return app.run();
}
