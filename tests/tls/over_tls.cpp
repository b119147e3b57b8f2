#include <support/over_tls.hpp>

#include "test_certificates.hpp"

#include <support/test_loop.hpp>

#include <cetane/conc/all.hpp>
#include <cetane/conc/sleep.hpp>
#include <cetane/tls/tls.hpp>

namespace cetane::test {
namespace {

// Each end says something: then nothing of the handshake is under way any more.
task<> meet(connection& client, connection& server, tls_context& trusting, tls_context& own) {
  co_await all(trusting.connect(client, "localhost"), own.accept(server));
  co_await server.send("s");
  co_await client.send("c");
  co_await client.receive(1);
  co_await server.receive(1);
}

}  // namespace

void make_secure(test_loop& loop, connection& client, connection& server) {
  const certificates::files& own = certificates::localhost();
  static tls_context serving = tls_context::server(own.certificate, own.key);
  static tls_context trusting = tls_context::client().trust(certificates::authority().certificate);
  loop.run(meet, client, server, trusting, serving);
}

}  // namespace cetane::test
