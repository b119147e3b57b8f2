#include <tls/openssl.hpp>

#include <cetane/base/errors.hpp>
#include <cetane/base/text.hpp>
#include <cetane/tls/tls_errc.hpp>

#include <fmt/format.h>
#include <openssl/err.h>

#include <cstring>

namespace cetane::detail {
namespace {

// OpenSSL's own words are for those who know its insides.
const char* plain_words(unsigned long code) noexcept {
  if (ERR_GET_LIB(code) != ERR_LIB_SSL) return nullptr;
  switch (ERR_GET_REASON(code)) {
    case SSL_R_HTTP_REQUEST:
    case SSL_R_HTTPS_PROXY_REQUEST:
      return "the peer speaks plain HTTP here, not TLS";
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_BAD_PROTOCOL_VERSION_NUMBER:
      return "what came from the peer is no TLS";
    case SSL_R_UNSUPPORTED_PROTOCOL:
      return "the peer has nothing newer than TLS 1.1, and 1.2 is the least";
    case SSL_R_NO_SHARED_CIPHER:
      return "the peer has none of the cipher suites that are allowed";
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
      return "the peer shows no certificate, and must";
    case SSL_R_NO_APPLICATION_PROTOCOL:
      return "the peer offers none of our application protocols (ALPN)";
    default:
      return nullptr;
  }
}

// An alert of the peer's is "sslv3 alert ..." or "tlsv13 alert ..." there, whatever is spoken.
std::string alert_words(const char* reason) {
  const char* const alert = std::strstr(reason, "alert ");
  if (alert == nullptr) return reason;
  return fmt::format("the peer refuses us: {}", alert + std::strlen("alert "));
}

}  // namespace

std::string openssl_reason() {
  const unsigned long code = ERR_peek_error();
  std::string text = "OpenSSL gives no reason";
  if (code != 0) {
    const char* const words = plain_words(code);
    const char* const reason = ERR_reason_error_string(code);
    if (words != nullptr) {
      text = words;
    } else if (ERR_SYSTEM_ERROR(code)) {
      text = reason_text(system_code(ERR_GET_REASON(code)));
    } else if (reason != nullptr) {
      text = alert_words(reason);
    }
  }
  ERR_clear_error();
  return text;
}

void throw_openssl(const std::string& tried) {
  throw tls_error(error::whole_text(fmt::format("{}: {}", tried, openssl_reason())),
                  tls_errc::bad_settings);
}

}  // namespace cetane::detail
