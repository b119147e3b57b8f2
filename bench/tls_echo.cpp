// cetane's echo of bytes over TLS: examples/echo_raw.cpp, made secure.
#include <cetane/app/application.hpp>
#include <cetane/app/service.hpp>
#include <cetane/tls/tls.hpp>

namespace {

cetane::task<> echo(cetane::connection& peer) {
  while (true) co_await peer.send(co_await peer.receive_some());
}

}  // namespace

int main(int argc, char** argv) {
  cetane::application app(argc, argv);
  const auto& cert = app.add_option("tls-cert", "certificate.pem", "the certificate, as PEM");
  const auto& key = app.add_option("tls-key", "key.pem", "its private key, as PEM");
  const auto context = cetane::tls_context::server(cert.text(), key.text());
  app.add_service(cetane::service(echo, 8013).tls(context));
  return app.run();
}
