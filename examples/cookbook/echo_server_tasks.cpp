// The server of listings 2.1 and 2.2 with tasks: no process and no thread for a request.
//
// Run:   ./dev run cookbook/echo_server_tasks
// Type:  nc 127.0.0.1 8013
//        Hello echo server!
// See:   12608: Hello echo server!

#include <cetane/cetane.hpp>

#include <unistd.h>

// [handler]
cetane::task<> echo(cetane::connection& peer) {
  const std::string data(co_await peer.receive_some());
  co_await peer.print("{}: {}", ::getpid(), data);
}
// [/handler]

// [main]
int main(int argc, char** argv) {
  return cetane::quickstart(argc, argv, cetane::service(echo, 8013));
}
// [/main]
