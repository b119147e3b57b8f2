// diesel's combined_tls: an echo server and its client in one program, over TLS.
//
// Run:   ./dev certificate
//        ./dev run diesel/combined_tls
// See:   listening on tcp://127.0.0.1:8013
//        TLSv1.3 with localhost
//        5000 echoes came back
//
// diesel's client took any certificate. This one wants a certificate that it trusts, of the name
// that it asks for: it is given the server's own, since that has signed itself.

#include <cetane/cetane.hpp>
#include <cetane/tls/tls.hpp>

constexpr int rounds = 5000;

cetane::task<> handle_echo(cetane::connection& peer) {
  while (auto line = co_await peer.next_line()) co_await peer.send("you said: ", *line, "\r\n");
}

cetane::task<> do_echoes(const cetane::service& echo, const cetane::tls_context& trusting) {
  // [client]
  cetane::connection server =
      co_await cetane::connect("127.0.0.1", echo.port()).tls(trusting, "localhost");
  fmt::print("{} with localhost\n", cetane::tls_facts_of(server)->version);
  // [/client]
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
  const auto& cert = app.add_option("tls-cert", "certificate.pem", "the certificate, as PEM");
  const auto& key = app.add_option("tls-key", "key.pem", "its private key, as PEM");
  const auto own = cetane::tls_context::server(cert.text(), key.text());
  const auto trusting = cetane::tls_context::client().trust(cert.text());
  const cetane::service& echo = app.add_service(cetane::service(handle_echo, 8013).tls(own));
  app.add_task(do_echoes, std::ref(echo), std::ref(trusting));
  return app.run();
}
