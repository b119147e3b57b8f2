// diesel's echo over TLS. The handler is the one of examples/echo.cpp: it need not know.
//
// Run:   ./dev certificate              it makes certificate.pem and key.pem, for this machine
//        ./dev run echo_tls --tls-cert certificate.pem --tls-key key.pem
//                                       it prints: listening on tcp://127.0.0.1:8013
// Type:  openssl s_client -quiet -CAfile certificate.pem -connect localhost:8013
//                                       then: hello
// See:   you said hello
// A SIGHUP makes it read the files again; connections that are there go on.

#include <cetane/cetane.hpp>
#include <cetane/tls/tls.hpp>

#include <csignal>

cetane::task<> echo(cetane::connection& peer) {
  for (;;) {
    const std::string line = co_await peer.until_eol();
    if (cetane::trim(line) == "quit") co_return;
    co_await peer.send("you said ", line);
  }
}

// [renew]
cetane::task<> renew(cetane::tls_context& context) {
  cetane::signal_set renewal(SIGHUP);
  for (;;) {
    co_await renewal.wait();
    try {
      context.reload();
      cetane::log::info("the certificate was read again");
    } catch (const cetane::tls_error& e) {
      cetane::log::error("{}; the old one stays in use", e.what());
    }
  }
}
// [/renew]

// [main]
int main(int argc, char** argv) {
  cetane::application app(argc, argv);
  const auto& cert = app.add_option("tls-cert", "certificate.pem", "the certificate, as PEM");
  const auto& key = app.add_option("tls-key", "key.pem", "its private key, as PEM");
  auto context = cetane::tls_context::server(cert.text(), key.text());
  app.add_service(cetane::service(echo, 8013).tls(context));
  app.add_task(renew, std::ref(context));
  return app.run();
}
// [/main]
