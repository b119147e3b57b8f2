#pragma once

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <memory>
#include <string>

namespace cetane::detail {

template <auto function>
struct freed_by {
  template <class T>
  void operator()(T* object) const noexcept {
    function(object);
  }
};

using bio_ptr = std::unique_ptr<BIO, freed_by<BIO_free>>;
using bio_method_ptr = std::unique_ptr<BIO_METHOD, freed_by<BIO_meth_free>>;
using ssl_ptr = std::unique_ptr<SSL, freed_by<SSL_free>>;
using ssl_ctx_ptr = std::unique_ptr<SSL_CTX, freed_by<SSL_CTX_free>>;
using ssl_session_ptr = std::unique_ptr<SSL_SESSION, freed_by<SSL_SESSION_free>>;
using x509_ptr = std::unique_ptr<X509, freed_by<X509_free>>;
using pkey_ptr = std::unique_ptr<EVP_PKEY, freed_by<EVP_PKEY_free>>;

/// What OpenSSL says of the call that has just failed, in words: the first thing that it met. It
/// keeps a list of complaints for each thread, not for each connection: whoever calls it empties
/// that before, or reads what another one has left.
std::string openssl_reason();

/// Throws tls_error: `tried` failed for openssl_reason().
[[noreturn]] void throw_openssl(const std::string& tried);

/// Gives what is not null; throws std::bad_alloc for null, where want of memory is the only cause.
template <class T>
T* made(T* object) {
  if (object == nullptr) throw std::bad_alloc();
  return object;
}

}  // namespace cetane::detail
