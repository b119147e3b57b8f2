// diesel's echo: says back every line; "quit" ends the conversation.
//
// Run:   ./dev run echo                 it prints: listening on tcp://127.0.0.1:8013
// Type:  nc 127.0.0.1 8013              then: hello
// See:   you said hello
// Ctrl-C ends the server.

// [program]
#include <cetane/cetane.hpp>

cetane::task<> echo(cetane::connection& peer) {
  for (;;) {
    const std::string line = co_await peer.until_eol();
    if (cetane::trim(line) == "quit") co_return;
    co_await peer.send("you said ", line);
  }
}

int main(int argc, char** argv) {
  cetane::application app(argc, argv);
  app.add_service(cetane::service(echo, 8013));
  return app.run();
}
// [/program]
