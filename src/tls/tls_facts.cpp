#include <cetane/tls/tls_facts.hpp>

#include <tls/certificate_names.hpp>
#include <tls/tls_filter.hpp>

namespace cetane {
namespace {

std::string text_of(const char* text) { return text == nullptr ? std::string() : text; }

std::string protocol_of(const SSL* ssl) {
  const unsigned char* name = nullptr;
  unsigned length = 0;
  SSL_get0_alpn_selected(ssl, &name, &length);
  return length == 0 ? std::string() : std::string(reinterpret_cast<const char*>(name), length);
}

}  // namespace

std::optional<tls_facts> tls_facts_of(const connection& peer) {
  const auto* const filter = dynamic_cast<detail::tls_filter*>(detail::filter_of(peer));
  if (filter == nullptr) return std::nullopt;
  SSL* const ssl = filter->session().ssl();
  tls_facts facts;
  facts.version = SSL_get_version(ssl);
  facts.cipher = text_of(SSL_get_cipher_name(ssl));
  facts.protocol = protocol_of(ssl);
  facts.server_name = text_of(SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name));
  facts.resumed = SSL_session_reused(ssl) == 1;
  if (X509* const certificate = SSL_get0_peer_certificate(ssl)) {
    facts.peer = detail::subject_of(certificate);
    facts.peer_names = detail::names_of(certificate);
  }
  return facts;
}

}  // namespace cetane
