// Conversations over TLS that are cancelled at every moment: nothing of them is left.
#include <support/cancel_everywhere.hpp>

#include <tls/tls_fixture.hpp>

#include <cetane/app/service.hpp>
#include <cetane/conc/group.hpp>
#include <cetane/net/connect.hpp>
#include <cetane/testing.hpp>

#include <catch2/catch_test_macros.hpp>

#include <string>

namespace tls_cancel_everywhere_test {

using namespace cetane;
using namespace cetane::test;

task<> answer(stage& on, const tls_context& own) {
  const stage::presence here(on);
  co_await own.accept(on.there());
  while (const auto line = co_await on.there().next_line()) co_await on.there().send(*line, "\n");
  co_await on.there().send_eof();
}

task<> echo(connection& peer) {
  while (const auto line = co_await peer.next_line()) co_await peer.send(*line, "\n");
}

TEST_CASE("a handshake and an echo over TLS that are cancelled at any moment leave nothing",
          "[tls][cancel_everywhere]") {
  const tls_context own = localhost_server();
  const tls_context trusting = trusting_client();
  const std::string much(40'000, 'x');
  const std::size_t moments = test::cancel_everywhere([&](stage& on) -> task<> {
    const stage::presence here(on);
    co_await with_group([&](group& g) -> task<> {
      g.spawn(answer, std::ref(on), std::cref(own));
      connection& to = on.here();
      co_await trusting.connect(to, "localhost");
      co_await to.send("hello\n");
      const std::string hello = co_await to.until_eol();
      co_await to.send(much, "\n");
      const std::string back = co_await to.until_eol();
      co_await to.send_eof();
      const std::string rest = co_await to.until_eof();
      REQUIRE(hello == "hello\n");
      REQUIRE(back.size() == much.size() + 1);
      REQUIRE(rest.empty());
    });
  });
  CHECK(moments > 5);
}

TEST_CASE("a secure connect to a service that is cancelled at any moment leaves nothing",
          "[tls][cancel_everywhere][not-epoll]") {
  const tls_context own = localhost_server();
  const tls_context trusting = trusting_client();
  const std::size_t moments = testing::cancel_everywhere([&](testing::world& w) -> task<> {
    const auto& server = w.serve(service(echo, 0).tls(own));
    connection c = co_await connect("localhost", server.port()).tls(trusting);
    co_await c.send("hello\n");
    const std::string line = co_await c.until_eol();
    REQUIRE(line == "hello\n");
  });
  CHECK(moments > 5);
}

}  // namespace tls_cancel_everywhere_test
