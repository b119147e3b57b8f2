// diesel's sleep_server: answers a line bit by bit, with pauses that keep nobody else waiting.
//
// Run:   ./dev run diesel/sleep_server        (--pause 0.5 makes the pauses shorter)
// Type:  nc 127.0.0.1 8013
//        hello
// See:   0, 1, 2 and 3, two seconds apart, and then "you said hello"; in a second terminal the same
//        at the same time.

#include <cetane/cetane.hpp>

using namespace std::chrono_literals;

// [handler]
cetane::task<> delay_echo(cetane::connection& peer, cetane::duration pause) {
  const std::string line = co_await peer.until_eol();
  for (int number = 0; number < 4; ++number) {
    co_await cetane::sleep(pause);
    co_await peer.print("{}\r\n", number);
  }
  co_await peer.send("you said ", line);
}
// [/handler]

int main(int argc, char** argv) {
  cetane::application app(argc, argv);
  const cetane::duration pause =
      app.add_option("pause", 2s, "how long to sleep between two numbers").span();
  app.add_service(cetane::service(delay_echo, 8013, pause));
  return app.run();
}
