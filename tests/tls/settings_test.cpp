// What a context is made of, and what is wrong with that.
#include <tls/session_cache.hpp>
#include <tls/test_certificates.hpp>

#include <cetane/base/errors.hpp>
#include <cetane/tls/tls.hpp>

#include <openssl/pem.h>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <cstdio>
#include <string>

namespace tls_settings_test {

using namespace cetane;
using namespace cetane::test;
using Catch::Matchers::ContainsSubstring;

void load(tls_context context) { context.reload(); }

TEST_CASE("a file that is not there is named", "[tls]") {
  CHECK_THROWS_WITH(
      load(tls_context::server("/no/such.pem", "/no/such.key")),
      ContainsSubstring("/no/such.pem") && ContainsSubstring("no such file or directory"));
  CHECK_THROWS_WITH(load(tls_context::client().trust("/no/such.pem")),
                    ContainsSubstring("/no/such.pem"));
}

TEST_CASE("a key of another certificate is refused", "[tls]") {
  const certificates::files one = certificates::make({});
  const certificates::files other = certificates::make({});
  CHECK_THROWS_WITH(load(tls_context::server(one.certificate, other.key)),
                    ContainsSubstring("with the key in") && ContainsSubstring("mismatch"));
}

TEST_CASE("files that are mixed up are refused", "[tls]") {
  const certificates::files& own = certificates::localhost();
  CHECK_THROWS_WITH(load(tls_context::server(own.key, own.certificate)),
                    ContainsSubstring("no PEM certificate"));
  CHECK_THROWS_WITH(load(tls_context::server(own.certificate, own.certificate)),
                    ContainsSubstring("no PEM private key"));
}

TEST_CASE("a key with a passphrase is refused, nobody is asked for it", "[tls]") {
  const certificates::files own = certificates::make({});
  std::FILE* in = std::fopen(own.key.c_str(), "r");
  const detail::pkey_ptr key(PEM_read_PrivateKey(in, nullptr, nullptr, nullptr));
  std::fclose(in);
  std::FILE* const out = std::fopen(own.key.c_str(), "w");
  REQUIRE(PEM_write_PKCS8PrivateKey(out, key.get(), EVP_aes_128_cbc(), "word", 4, nullptr,
                                    nullptr) == 1);
  std::fclose(out);
  CHECK_THROWS_WITH(load(tls_context::server(own.certificate, own.key)),
                    ContainsSubstring("the key has a passphrase"));
}

TEST_CASE("a client's sessions make room for newer ones", "[tls]") {
  detail::session_cache cache(2);
  const auto fresh = [] {
    detail::ssl_session_ptr made(SSL_SESSION_new());
    SSL_SESSION_set_protocol_version(made.get(), TLS1_2_VERSION);
    const unsigned char id[] = {1};
    SSL_SESSION_set1_id(made.get(), id, 1);
    return made;
  };
  cache.keep("a", fresh());
  cache.keep("b", fresh());
  CHECK(cache.take("a"));
  cache.keep("c", fresh());
  CHECK(cache.take("a"));
  CHECK_FALSE(cache.take("b"));
  CHECK(cache.take("c"));
}

}  // namespace tls_settings_test
