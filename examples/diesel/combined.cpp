// diesel's combined: an echo server and its client in one program.
//
// Run:   ./dev run diesel/combined
// See:   listening on tcp://127.0.0.1:8013
//        5000 echoes came back
//
// It shows a service and a task in one application: the task finds out where the service listens,
// and quickstop() ends the program.

#include <cetane/cetane.hpp>

constexpr int rounds = 5000;

cetane::task<> handle_echo(cetane::connection& peer) {
  while (auto line = co_await peer.next_line()) co_await peer.send("you said: ", *line, "\r\n");
}

cetane::task<> do_echoes(const cetane::service& echo) {
  cetane::connection server = co_await cetane::connect("127.0.0.1", echo.port());
  int came_back = 0;
  for (int number = 0; number < rounds; ++number) {
    const std::string message = fmt::format("hello, world #{}!", number);
    co_await server.send(message, "\r\n");
    if (co_await server.until_eol() == "you said: " + message + "\r\n") ++came_back;
  }
  fmt::print("{} echoes came back\n", came_back);
  cetane::quickstop();
}

int main(int argc, char** argv) {
  cetane::application app(argc, argv);
  const cetane::service& echo = app.add_service(cetane::service(handle_echo, 8013));
  app.add_task(do_echoes, std::ref(echo));
  return app.run();
}
