// The mistake of most first echo servers: every error is caught and the loop goes on, so once the
// peer has gone, each of its turns fails at once, for ever. book_mistake.py checks that only this
// one handler suffers.
//
// Run: build/tests/integration/book_mistake --port 8013; type a line, leave, and come again.
#include <cetane/cetane.hpp>

cetane::task<> echo_for_ever(cetane::connection& peer) {
  for (;;) {
    try {
      const std::string line = co_await peer.until_eol();
      co_await peer.send(line);
    } catch (...) {  // NOLINT(bugprone-empty-catch): the mistake itself
    }
  }
}

int main(int argc, char** argv) {
  cetane::application app(argc, argv);
  app.add_service(cetane::service(echo_for_ever, 8013));
  return app.run();
}
