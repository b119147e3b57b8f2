// A gateway: answers each line with what a line server behind it says, over four connections at
// most, which it keeps for whoever asks next.
//
// Run:   ./dev run echo --port 8014, and in another terminal: ./dev run gateway
//        it prints: listening on tcp://127.0.0.1:8013
// Type:  nc 127.0.0.1 8013              then: hello
// See:   you said hello                 from the server behind it
// Stop the echo server and ask again: you are told why there is no answer. Start it again, and
// there is one.
//
// It shows connection_pool: a question that fails, or takes too long, closes its connection, so
// that nobody gets the answer to what somebody else has asked.

#include <cetane/cetane.hpp>
using namespace std::chrono_literals;

// [ask]
cetane::task<std::string> ask(cetane::connection_pool& servers, const std::string& question) {
  auto server = co_await servers.acquire();
  co_await server->send(question, "\r\n");
  const std::string answer = co_await server->until_eol();
  server.give_back();  // who does not come this far closes the connection
  co_return answer;
}

cetane::task<> gateway(cetane::connection& peer, cetane::connection_pool& servers) {
  while (auto line = co_await peer.next_line()) {
    const auto answer = co_await cetane::attempt(cetane::with_timeout(5s, ask(servers, *line)));
    if (answer) {
      co_await peer.send(*answer);
    } else {
      co_await peer.print("sorry: {}\r\n", answer.error());
    }
  }
}
// [/ask]

int main(int argc, char** argv) {
  cetane::application app(argc, argv);
  const auto& host = app.add_option("server-host", "127.0.0.1", "where the server behind it is");
  const auto& port = app.add_option("server-port", 8014, "and on which port");
  if (port.number() < 1 || port.number() > 65535)
    return fmt::print(stderr, "usage: --server-port takes a number from 1 to 65535\n"), 2;

  cetane::connection_pool servers(host.text(), static_cast<std::uint16_t>(port.number()),
                                  cetane::connection_pool_limits().open(4));
  app.add_service(cetane::service(gateway, 8013, std::ref(servers)));
  return app.run();
}
