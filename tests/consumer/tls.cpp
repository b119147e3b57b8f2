// A program that uses cetane-tls from outside: it serves over TLS, connects to itself, and says
// what was agreed on.
//
// usage: tls CERTIFICATE KEY
#include <cetane/cetane.hpp>
#include <cetane/tls/tls.hpp>

cetane::task<> greet(cetane::connection& peer) { co_await peer.send("hello\n"); }

cetane::task<> ask(cetane::application& app, const cetane::service& greeter,
                   cetane::tls_context context) {
  cetane::connection server =
      co_await cetane::connect("127.0.0.1", greeter.port()).tls(context, "localhost");
  const std::string line = co_await server.until_eol();
  fmt::print("{} over {}\n", cetane::trim(line), cetane::tls_facts_of(server)->version);
  app.stop();
}

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const auto own = cetane::tls_context::server(argv[1], argv[2]);
  const auto trusting = cetane::tls_context::client().trust(argv[1]);
  cetane::application app(1, argv);
  const cetane::service& greeter = app.add_service(cetane::service(greet, 0).tls(own));
  app.add_task(ask, std::ref(app), std::cref(greeter), trusting);
  return app.run();
}
