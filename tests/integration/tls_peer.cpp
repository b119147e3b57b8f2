// The other end for tests of TLS with foreign programs: a server that speaks a little HTTP, and a
// client that says its input and prints the answer.
//
// tls_peer serve [--tls-cert FILE] [--tls-key FILE] [--clients AUTHORITIES]
// tls_peer ask PORT NAME AUTHORITIES [CERTIFICATE KEY]      its status: 0, or 1 and why on stderr

#include <cetane/cetane.hpp>
#include <cetane/tls/tls.hpp>

#include <cstdio>
#include <string_view>

namespace {

cetane::task<> answer(cetane::connection& peer) {
  while (auto line = co_await peer.next_line()) {
    if (!line->empty()) continue;
    const std::string who = cetane::tls_facts_of(peer)->peer;
    const std::string text = "hello " + (who.empty() ? "stranger" : who) + "\n";
    co_await peer.print("HTTP/1.0 200 OK\r\nContent-Length: {}\r\n\r\n{}", text.size(), text);
    co_return;
  }
}

int serve(int argc, char** argv) {
  cetane::application app(argc, argv);
  const auto& cert = app.add_option("tls-cert", "certificate.pem", "the certificate, as PEM");
  const auto& key = app.add_option("tls-key", "key.pem", "its private key, as PEM");
  const auto& clients = app.add_option("clients", "", "who vouches for the clients");
  auto context =
      cetane::tls_context::server(cert.text(), key.text()).alpn({"http/1.0", "http/1.1"});
  if (clients.given()) context.trust(clients.text());
  app.add_service(cetane::service(answer, 8013).tls(context));
  return app.run();
}

cetane::task<int> ask(int argc, char** argv) {
  auto context = cetane::tls_context::client().trust(argv[3]);
  if (argc > 5) context.certificate(argv[4], argv[5]);
  try {
    cetane::connection server =
        co_await cetane::connect("127.0.0.1", static_cast<std::uint16_t>(std::stoi(argv[1])))
            .tls(context, argv[2]);
    fmt::print("{}\n", cetane::tls_facts_of(server)->version);
    co_await server.send("hello\r\n");
    fmt::print("{}", co_await server.until_eol());
    co_await server.send_eof();
    fmt::print("{}", co_await server.until_eof());
  } catch (const cetane::connection_error& e) {
    fmt::print(stderr, "{}\n", e.what());
    co_return 1;
  }
  co_return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view what = argc > 1 ? argv[1] : "";
  if (what == "serve") return serve(argc - 1, argv + 1);
  if (what == "ask" && argc > 4) return cetane::run(ask, argc - 1, argv + 1);
  return 2;
}
