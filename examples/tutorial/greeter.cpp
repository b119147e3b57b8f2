// A conversation in small coroutines: asks for a name, and greets.
//
// Run:   ./dev run tutorial/greeter
// Type:  nc 127.0.0.1 8013
//        anna
// See:   your name?
//        hello anna
//
// It shows that a coroutine calls another one as a function calls a function, with co_await in
// front, and that whoever leaves in the middle needs no line of code.

#include <cetane/cetane.hpp>

// [ask]
cetane::task<std::string> ask_name(cetane::connection& peer) {
  for (;;) {
    co_await peer.send("your name?\r\n");
    const std::string name = cetane::trim(co_await peer.until_eol());
    if (!name.empty()) co_return name;
  }
}
// [/ask]

// [greet]
cetane::task<> greet(cetane::connection& peer) {
  const std::string name = co_await ask_name(peer);
  co_await peer.send("hello ", name, "\r\n");
}
// [/greet]

int main(int argc, char** argv) {
  cetane::application app(argc, argv);
  app.add_service(cetane::service(greet, 8013));
  return app.run();
}
