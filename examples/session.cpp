// Two clocks on one conversation: 30 s of silence or 10 min in all end it, each with its own
// farewell.
//
// Run:   ./dev run session              it prints: listening on tcp://127.0.0.1:8015
// Type:  nc 127.0.0.1 8015              then: hello
// See:   you said hello
//        silent too long, bye           30 s later; or "time is up, bye", if you go on for 10 min
// Ctrl-C ends the server.
//
// It shows move_on_after, around a read and around a whole conversation: it gives what came in
// time, or nothing.

#include <cetane/cetane.hpp>
using namespace std::chrono_literals;

cetane::task<> converse(cetane::connection& peer) {
  while (auto line = co_await cetane::move_on_after(30s, peer.until_eol())) {
    co_await peer.send("you said ", *line);
  }
  co_await peer.send("silent too long, bye\r\n");
}

cetane::task<> session(cetane::connection& peer) {
  const bool finished = co_await cetane::move_on_after(10min, converse(peer));
  if (!finished) co_await peer.send("time is up, bye\r\n");
}

int main(int argc, char** argv) {
  cetane::application app(argc, argv);
  app.add_service(cetane::service(session, 8015));
  return app.run();
}
