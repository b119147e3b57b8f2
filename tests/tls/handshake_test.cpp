// What two sides agree on, and what happens when they do not.
#include <tls/tls_fixture.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <filesystem>
#include <fstream>
#include <string>

#include <unistd.h>

namespace tls_handshake_test {

using namespace cetane;
using namespace cetane::test;
using Catch::Matchers::ContainsSubstring;

std::string thrown_by_accept(tls_fixture& f) {
  return f.loop.run(
      [&]() -> task<std::string> { co_return co_await thrown_by(f.server.accept(f.there)); });
}

TEST_CASE("the best protocol of the server's that the client offers is chosen", "[tls]") {
  tls_fixture f;
  f.server.alpn({"h2", "http/1.1"});
  f.client.alpn({"http/1.1", "h2"});
  f.meet();
  CHECK(tls_facts_of(f.here)->protocol == "h2");
  CHECK(tls_facts_of(f.there)->protocol == "h2");
}

TEST_CASE("a client that offers other protocols only is refused, and told", "[tls]") {
  tls_fixture f;
  f.server.alpn({"h2"});
  f.client.alpn({"echo"});
  const auto both = f.try_to_meet();
  CHECK_THAT(both.here, ContainsSubstring("the peer refuses us: no application protocol"));
  CHECK_THAT(both.there, ContainsSubstring("ALPN"));
}

TEST_CASE("a client that offers no protocol is served", "[tls]") {
  tls_fixture f;
  f.server.alpn({"h2"});
  f.meet();
  CHECK(tls_facts_of(f.there)->protocol.empty());
}

TEST_CASE("protocols with impossible names are refused", "[tls]") {
  auto client = tls_context::client();
  CHECK_THROWS_AS(client.alpn({""}), std::invalid_argument);
  CHECK_THROWS_AS(client.alpn({std::string(256, 'x')}), std::invalid_argument);
}

TEST_CASE("a server shows the certificate of the name that it is asked for", "[tls]") {
  certificates::wanted as;
  as.name = "second";
  as.names = "DNS:second.example.org";
  const certificates::files second = certificates::make(as);
  tls_context server = localhost_server().certificate(second.certificate, second.key);

  const auto shown_to = [&](const std::string& name) {
    tls_fixture f;
    f.server = server;
    f.meet(name);
    return tls_facts_of(f.here)->peer;
  };
  CHECK(shown_to("localhost") == "CN=localhost");
  CHECK(shown_to("second.example.org") == "CN=second");
}

// At one address, since sessions belong to a peer with its port.
TEST_CASE("the second handshake with a server is a short one", "[tls]") {
  tls_context server = localhost_server();
  tls_context client = trusting_client();
  test_loop loop;
  const address at = address::unix_path("@cetane-tls-" + std::to_string(::getpid()));
  const auto is_resumed = [&] {
    connected_pair pair(loop, at);
    auto both = [](connected_pair& p, tls_context& c, tls_context& s) -> task<bool> {
      co_await all(c.connect(p.here, "localhost"), s.accept(p.there));
      co_await p.there.send("what the next handshake needs comes before this\n");
      co_await p.here.until_eol();
      co_return tls_facts_of(p.here)->resumed&& tls_facts_of(p.there)->resumed;
    };
    return loop.run(both, pair, client, server);
  };

  CHECK_FALSE(is_resumed());
  CHECK(is_resumed());
  CHECK(is_resumed());

  client.reload();  // what was agreed on with other trust is forgotten
  CHECK_FALSE(is_resumed());
  CHECK(is_resumed());
  server.reload();
  CHECK_FALSE(is_resumed());
}

TEST_CASE("a peer that says nothing is given up after the handshake's time", "[tls]") {
  tls_fixture f;
  f.server.handshake_timeout(on_sim() ? duration(10s) : duration(20ms));
  const time_point begun = f.loop.loop().now();
  CHECK_THAT(thrown_by_accept(f), ContainsSubstring("no agreement within"));
  if (on_sim()) CHECK(f.loop.loop().now() - begun == 10s);
}

TEST_CASE("a peer that sends a byte now and then is given up as well", "[tls][not-epoll]") {
  tls_fixture f;
  auto drips = f.loop.spawn([&]() -> task<> {
    for (;;) {
      co_await sleep(1s);
      co_await f.here.send("\x16");
    }
  });
  const time_point begun = f.loop.loop().now();
  CHECK_THAT(thrown_by_accept(f), ContainsSubstring("TLS handshake with 127.0.0.1:"));
  CHECK(f.loop.loop().now() - begun <= 10s);
  drips.cancel();
}

TEST_CASE("NEW-28: plain text to a TLS server is an error that says so", "[tls]") {
  tls_fixture f;
  REQUIRE(f.here.try_send("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
  CHECK_THAT(thrown_by_accept(f), ContainsSubstring("the peer speaks plain HTTP here, not TLS"));

  tls_fixture other;
  REQUIRE(other.here.try_send("hello, who is there?\r\n"));
  CHECK_THAT(thrown_by_accept(other), ContainsSubstring("what came from the peer is no TLS"));
}

TEST_CASE("a peer that leaves in the middle of a handshake is a tls_error", "[tls]") {
  tls_fixture f;
  REQUIRE(f.here.try_send("\x16\x03\x01"));
  f.here.close();
  auto accepts = [](tls_context& context, connection& peer) -> task<bool> {
    try {
      co_await context.accept(peer);
    } catch (const tls_error& e) {
      co_return e.code() == tls_errc::handshake_failed;
    }
    co_return false;
  };
  CHECK(f.loop.run(accepts, f.server, f.there));
}

TEST_CASE("a peer that leaves before it says anything is as one that does so anywhere", "[tls]") {
  tls_fixture f;
  f.here.close();
  auto accepts = [](tls_context& context, connection& peer) -> task<> {
    co_await context.accept(peer);
  };
  CHECK_THROWS_AS(f.loop.run(accepts, f.server, f.there), connection_closed);
}

TEST_CASE("a handshake without end is cut off by its limit", "[tls]") {
  tls_fixture f;
  // A client's hello that says it has 16 MB, in full records.
  std::string record("\x16\x03\x01\x40\x00", 5);
  record += std::string("\x01\xff\xff\xff\x03\x03", 6) + std::string(16384 - 6, 'x');
  auto floods = f.loop.spawn([&]() -> task<> {
    for (;;) co_await f.here.send(record);
  });
  CHECK_THAT(thrown_by_accept(f), ContainsSubstring("TLS handshake with 127.0.0.1:"));
  floods.cancel();
}

TEST_CASE("a handshake can be cancelled, and the connection closes", "[tls]") {
  tls_fixture f;
  auto accepts = f.loop.spawn([&]() -> task<> { co_await f.server.accept(f.there); });
  f.settle();
  accepts.cancel();
  f.until([&] { return accepts.done(); });
  f.there.close();
  CHECK_FALSE(f.loop.run(read_next_line, f.here));
}

TEST_CASE("a conversation in plain text goes on as a secure one", "[tls]") {
  tls_fixture f;
  auto server = f.loop.spawn([&]() -> task<std::string> {
    const std::string line = co_await f.there.until_eol();
    co_await f.there.send("220 go ahead\r\n");
    co_await f.server.accept(f.there);
    co_return line + co_await f.there.until_eol();
  });
  f.loop.run([&]() -> task<> {
    co_await f.here.send("STARTTLS\r\n");
    co_await f.here.until_eol();
    co_await f.client.connect(f.here, "localhost");
    co_await f.here.send("secret\r\n");
  });
  CHECK(f.result(server) == "STARTTLS\r\nsecret\r\n");
}

// CVE-2011-0411: commands sent behind STARTTLS must not count as if they had come encrypted.
TEST_CASE("what was sent in plain text before the handshake is not taken for secure", "[tls]") {
  tls_fixture f;
  REQUIRE(f.here.try_send("STARTTLS\r\nMAIL FROM:<mallory>\r\n"));
  auto server = f.loop.spawn([&]() -> task<std::string> {
    co_await f.there.until_eol();
    co_return co_await thrown_by(f.server.accept(f.there));
  });
  CHECK_THAT(f.result(server), ContainsSubstring("what came from the peer is no TLS"));
}

TEST_CASE("a new certificate is for new connections, those that are there go on", "[tls]") {
  certificates::wanted as;
  as.name = "first";
  const certificates::files own = certificates::make(as);
  tls_context server = tls_context::server(own.certificate, own.key);
  tls_fixture old;
  old.server = server;
  old.meet();

  as.name = "renewed";
  const certificates::files fresh = certificates::make(as);
  std::filesystem::copy_file(fresh.certificate, own.certificate,
                             std::filesystem::copy_options::overwrite_existing);
  std::filesystem::copy_file(fresh.key, own.key, std::filesystem::copy_options::overwrite_existing);
  server.reload();

  tls_fixture next;
  next.server = server;
  next.meet();
  CHECK(tls_facts_of(old.here)->peer == "CN=first");
  CHECK(tls_facts_of(next.here)->peer == "CN=renewed");
  REQUIRE(old.there.try_send("still here\n"));
  CHECK(old.loop.run(read_line, old.here) == "still here\n");
}

TEST_CASE("a reload that fails leaves everything as it was", "[tls]") {
  const certificates::files own = certificates::make({});
  tls_context server = tls_context::server(own.certificate, own.key);
  server.reload();
  std::ofstream(own.certificate) << "nonsense";
  CHECK_THROWS_WITH(server.reload(), ContainsSubstring("no PEM certificate"));

  tls_fixture f;
  f.server = server;
  f.meet();
}

}  // namespace tls_handshake_test
