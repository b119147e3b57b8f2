// A background task that is started again when it dies, and the service that uses what it fetched.
//
// Run:   ./dev run forecast             it prints: listening on tcp://127.0.0.1:8021
// Type:  nc 127.0.0.1 8021
// See:   no forecast yet                since nothing listens on port 8022, where it comes from
// Type:  echo sunny | nc -l -p 8022 -q 1    in a second terminal, and soon again: nc 127.0.0.1 8021
// See:   sunny                          for as long as nothing newer has come
// Ctrl-C ends the server.
//
// It shows keep_alive: the task simply fails when its source is gone, and is started again after
// half a second, a second, and so on, up to a minute. The log tells of it.

#include <cetane/cetane.hpp>
using namespace std::chrono_literals;

struct forecast {
  std::string text = "no forecast yet\r\n";
};

cetane::task<> refresh(forecast& f, std::string host, std::uint16_t port) {
  cetane::interval tick(1s);
  for (;;) {
    cetane::connection source = co_await cetane::connect(host, port).timeout(500ms);
    f.text = co_await source.until_eol();
    co_await tick.next();
  }
}

cetane::task<> tell(cetane::connection& peer, forecast& f) { co_await peer.send(f.text); }

int main(int argc, char** argv) {
  forecast today;
  cetane::application app(argc, argv);
  app.add_task(refresh, std::ref(today), "127.0.0.1", 8022)
      .label("refresh")
      .keep_alive(cetane::restart_policy().backoff(500ms, 1min));
  app.add_service(cetane::service(tell, 8021, std::ref(today)));
  return app.run();
}
