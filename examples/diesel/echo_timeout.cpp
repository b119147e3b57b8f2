// diesel's echo_timeout: an echo that asks whether you are still there when no line comes.
//
// Run:   ./dev run diesel/echo_timeout        (--patience 10 waits longer than 3 s)
// Type:  nc 127.0.0.1 8013
//        hello
// See:   you said hello
//        are you still there?                 (after three seconds, and every three seconds)
//
// It shows move_on_after: it gives a read a time, and an empty optional when that is over. A read
// that was given up has consumed nothing, so no byte of a slow typist is lost.

#include <cetane/cetane.hpp>

using namespace std::chrono_literals;

cetane::task<> echo(cetane::connection& peer, cetane::duration patience) {
  for (;;) {
    const auto line = co_await cetane::move_on_after(patience, peer.until_eol());
    if (line) {
      co_await peer.send("you said ", *line);
    } else {
      co_await peer.send("are you still there?\r\n");
    }
  }
}

int main(int argc, char** argv) {
  cetane::application app(argc, argv);
  const cetane::duration patience =
      app.add_option("patience", 3s, "how long to wait for a line").span();
  app.add_service(cetane::service(echo, 8013, patience));
  return app.run();
}
