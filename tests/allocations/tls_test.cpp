// Every allocation of a conversation over TLS fails once; OpenSSL's own do not count.
#include <support/fail_everywhere.hpp>

#include <tls/test_certificates.hpp>

#include <cetane/cetane.hpp>
#include <cetane/testing.hpp>
#include <cetane/tls/tls.hpp>

#include <catch2/catch_test_macros.hpp>

#include <functional>
#include <stdexcept>
#include <string>

namespace allocations_tls_test {

using namespace cetane;
using namespace cetane::test;

namespace {

void expect(bool holds) {
  if (!holds) throw std::logic_error("the scenario has gone wrong");
}

task<> echo(connection& peer) {
  for (;;) co_await peer.send(co_await peer.until_eol());
}

task<> answer(stage& on, const tls_context& own) {
  const stage::presence here(on);
  co_await own.accept(on.there());
  while (const auto line = co_await on.there().next_line()) co_await on.there().send(*line, "\n");
  co_await on.there().send_eof();
}

}  // namespace

TEST_CASE("contexts, a handshake and an echo over TLS without memory leave nothing",
          "[allocations][tls]") {
  const certificates::files& files = certificates::localhost();
  const std::string& authority = certificates::authority().certificate;
  const std::string much(40'000, 'x');
  const std::uint64_t allocations = fail_everywhere([&](stage& on) -> task<> {
    const stage::presence here(on);
    const tls_context own = tls_context::server(files.certificate, files.key);
    const tls_context trusting = tls_context::client().trust(authority);
    std::string back;
    co_await with_group([&](group& g) -> task<> {
      g.spawn(answer, std::ref(on), std::cref(own));
      connection& to = on.here();
      co_await trusting.connect(to, "localhost");
      co_await to.send(much, "\n");
      back = co_await to.until_eol();
      co_await to.send_eof();
      const std::string rest = co_await to.until_eof();
      expect(rest.empty());
    });
    expect(back.size() == much.size() + 1);
  });
  CHECK(allocations > 20);
}

TEST_CASE("a secure service and who connects to it live with the failure of each allocation",
          "[allocations][tls][not-epoll]") {
  const certificates::files& files = certificates::localhost();
  const tls_context own = tls_context::server(files.certificate, files.key);
  const tls_context trusting = tls_context::client().trust(certificates::authority().certificate);
  const std::uint64_t allocations = testing::fail_allocations([&](testing::world& w) -> task<> {
    const auto& server = w.serve(service(echo, 0).tls(own));
    connection c = co_await connect("localhost", server.port()).tls(trusting);
    co_await c.send("a line that is longer than a short string holds\n");
    const std::string line = co_await c.until_eol();
    expect(line == "a line that is longer than a short string holds\n");
  });
  CHECK(allocations > 20);
}

}  // namespace allocations_tls_test
