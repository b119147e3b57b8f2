// A line client that does not give up: connects with a limit, retries with growing pauses, then
// asks and prints the answers.
//
// Run:   ./dev run echo, and in another terminal: ./dev run client 127.0.0.1 8013
// See:   you said hello
//        you said how are you?
// Start the client first, and see it wait for the server.

#include <cetane/cetane.hpp>
using namespace std::chrono_literals;

cetane::task<cetane::connection> connect_patiently(std::string host, std::uint16_t port) {
  cetane::backoff pause(100ms, 5s);
  for (int tries = 1;; ++tries) {
    try {
      co_return co_await cetane::connect(host, port).timeout(2s);
    } catch (const cetane::connect_error& e) {
      if (tries == 5) throw;
      cetane::log::warning("{}; trying again", e.what());
    }
    co_await cetane::sleep(pause.next());  // here, since no catch block may have a co_await
  }
}

cetane::task<> ask(std::string host, std::uint16_t port) {
  cetane::connection server = co_await connect_patiently(std::move(host), port);
  for (const char* question : {"hello", "how are you?", "quit"}) {
    co_await server.send(question, "\r\n");
    if (auto answer = co_await server.next_line()) fmt::print("{}\n", *answer);
  }
}

int main(int argc, char** argv) {
  if (argc < 3) return fmt::print(stderr, "usage: client HOST PORT\n"), 2;
  return cetane::run(ask, std::string(argv[1]), std::stoi(argv[2]));
}
