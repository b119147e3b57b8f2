// Who is trusted, and what is said to those who are not.
#include <tls/tls_fixture.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <chrono>
#include <string>

namespace tls_verification_test {

using namespace cetane;
using namespace cetane::test;
using Catch::Matchers::ContainsSubstring;

tls_context server_with(const certificates::wanted& as) {
  const certificates::files own = certificates::make(as);
  return tls_context::server(own.certificate, own.key);
}

std::error_code code_of(tls_fixture& f, std::string name) {
  auto attempt = [](connection& c, tls_context& context,
                    std::string name) -> task<std::error_code> {
    try {
      co_await context.connect(c, name);
    } catch (const tls_error& e) {
      co_return e.code();
    }
    co_return std::error_code();
  };
  auto served = f.loop.spawn(
      [](connection& c, tls_context& context) -> task<> {
        co_await thrown_by(context.accept(c));
        c.close();
      },
      std::ref(f.there), std::ref(f.server));
  auto code = f.loop.spawn(attempt, std::ref(f.here), std::ref(f.client), name);
  const std::error_code found = f.result(code);
  f.here.close();
  f.result(served);
  return found;
}

TEST_CASE("W19: a server of another name is refused, and the error says which", "[tls]") {
  tls_fixture f;
  const auto both = f.try_to_meet("example.org");

  CHECK_THAT(both.here, ContainsSubstring("TLS handshake with example.org (127.0.0.1:"));
  CHECK_THAT(both.here, ContainsSubstring("hostname mismatch, it is for localhost, 127.0.0.1"));
  CHECK_THAT(both.there, ContainsSubstring("the peer refuses us: "));
}

TEST_CASE("a refused certificate has a code of its own", "[tls]") {
  tls_fixture f;
  CHECK(code_of(f, "example.org") == tls_errc::certificate_refused);
}

TEST_CASE("a server is asked for by its address too", "[tls]") {
  tls_fixture f;
  f.meet("127.0.0.1");
  CHECK(tls_facts_of(f.there)->server_name.empty());
}

TEST_CASE("a server of another address is refused", "[tls]") {
  tls_fixture f;
  CHECK_THAT(f.try_to_meet("127.0.0.2").here, ContainsSubstring("IP address mismatch"));
}

TEST_CASE("a dot at the end of a name makes no difference", "[tls]") {
  tls_fixture f;
  f.meet("localhost.");
  CHECK(tls_facts_of(f.there)->server_name == "localhost");
}

TEST_CASE("the common name of a certificate counts for nothing", "[tls]") {
  tls_fixture f;
  certificates::wanted as;
  as.names = "";
  f.server = server_with(as);
  CHECK_THAT(f.try_to_meet().here, ContainsSubstring("hostname mismatch, it is for no name"));
}

TEST_CASE("a wildcard is for one label of a name", "[tls]") {
  certificates::wanted as;
  as.names = "DNS:*.example.org";
  tls_fixture good;
  good.server = server_with(as);
  good.meet("www.example.org");

  tls_fixture deeper;
  deeper.server = good.server;
  CHECK_THAT(deeper.try_to_meet("a.b.example.org").here, ContainsSubstring("hostname mismatch"));
  tls_fixture bare;
  bare.server = good.server;
  CHECK_THAT(bare.try_to_meet("example.org").here, ContainsSubstring("hostname mismatch"));
}

TEST_CASE("a certificate that has run out is refused", "[tls]") {
  tls_fixture f;
  certificates::wanted as;
  as.begins = std::chrono::hours(-48);
  as.ends = std::chrono::hours(-24);
  f.server = server_with(as);
  CHECK_THAT(f.try_to_meet().here, ContainsSubstring("certificate has expired"));
}

TEST_CASE("a certificate that is not valid yet is refused", "[tls]") {
  tls_fixture f;
  certificates::wanted as;
  as.begins = std::chrono::hours(24);
  as.ends = std::chrono::hours(48);
  f.server = server_with(as);
  CHECK_THAT(f.try_to_meet().here, ContainsSubstring("certificate is not yet valid"));
}

TEST_CASE("a certificate that has signed itself is refused", "[tls]") {
  tls_fixture f;
  certificates::wanted as;
  as.authority = "";
  f.server = server_with(as);
  CHECK_THAT(f.try_to_meet().here,
             ContainsSubstring("self-signed certificate; tls_context::trust()"));
}

TEST_CASE("a certificate that has signed itself may be trusted by itself", "[tls]") {
  tls_fixture f;
  certificates::wanted as;
  as.authority = "";
  const certificates::files own = certificates::make(as);
  f.server = tls_context::server(own.certificate, own.key);
  f.client = tls_context::client().trust(own.certificate);
  f.meet();
}

TEST_CASE("an authority that nobody has named is refused", "[tls]") {
  tls_fixture f;
  f.client = tls_context::client();
  CHECK_THAT(f.try_to_meet().here, ContainsSubstring("unable to "));

  tls_fixture other;
  other.client = tls_context::client().trust(certificates::authority("another").certificate);
  CHECK_THAT(other.try_to_meet().here, ContainsSubstring("tls_context::trust()"));
}

TEST_CASE("a client's certificate can be asked for, and is known then", "[tls]") {
  tls_fixture f;
  certificates::wanted as;
  as.name = "anna";
  as.names = "email:anna@example.org";
  const certificates::files own = certificates::make(as);
  f.server.trust(certificates::authority().certificate);
  f.client.certificate(own.certificate, own.key);
  f.meet();

  const auto facts = tls_facts_of(f.there);
  CHECK(facts->peer == "CN=anna");
  CHECK(facts->peer_names == std::vector<std::string>{"anna@example.org"});
}

TEST_CASE("a client without a certificate is refused where one is asked for", "[tls]") {
  tls_fixture f;
  f.server.trust(certificates::authority().certificate);
  const auto both = f.try_to_meet();
  CHECK_THAT(both.there, ContainsSubstring("the peer shows no certificate, and must"));

  // A client of TLS 1.3 has done its part by then, and is told where it reads.
  if (both.here.empty()) {
    CHECK_THROWS_WITH(f.loop.run(read_line, f.here), ContainsSubstring("certificate required"));
  }
}

TEST_CASE("a client's certificate of another authority is refused", "[tls]") {
  tls_fixture f;
  certificates::wanted as;
  as.authority = "another";
  const certificates::files own = certificates::make(as);
  f.server.trust(certificates::authority().certificate);
  f.client.certificate(own.certificate, own.key);
  CHECK_THAT(f.try_to_meet().there, ContainsSubstring("its certificate is refused: "));
}

TEST_CASE("a name that is none is refused before anything is sent", "[tls]") {
  tls_fixture f;
  const auto attempt = [&](std::string name) {
    return f.loop.run([&]() -> task<std::string> {
      co_return co_await thrown_by(f.client.connect(f.here, name));
    });
  };
  CHECK_THAT(attempt(""), ContainsSubstring("it needs the name"));
  CHECK_THAT(attempt("."), ContainsSubstring("it needs the name"));
  CHECK_THAT(attempt(std::string("localhost\0.example.org", 22)), ContainsSubstring("zero byte"));
  CHECK(f.stats().bytes_queued == 0);
}

TEST_CASE("a certificate with a zero byte in its name is for no name", "[tls]") {
  tls_fixture f;
  certificates::wanted as;
  as.names = "localhost" + std::string(1, '\0') + ".example.org";
  as.raw_name = true;
  f.server = server_with(as);
  CHECK_THAT(f.try_to_meet().here, ContainsSubstring("its certificate is refused: "));
}

}  // namespace tls_verification_test
