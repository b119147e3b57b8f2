#include <tls/tls_settings.hpp>

#include <tls/certificate_names.hpp>
#include <tls/pem_file.hpp>
#include <tls/tls_session.hpp>

#include <cetane/base/text.hpp>

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <utility>

namespace cetane::detail {
namespace {

// For TLS 1.2; all of 1.3 are AEAD. With forward secrecy, which rules out a key agreement by RSA.
constexpr const char* suites = "ECDHE+AESGCM:ECDHE+CHACHA20";
constexpr const char* groups = "X25519:P-256:P-384";
constexpr long longest_chain = 64 * 1024;
constexpr long session_seconds = std::chrono::seconds(ticket_keys::turn).count();

// So that a session of another program's is not taken for one of ours.
constexpr std::string_view session_place = "cetane";

void check(int result, const std::string& tried) {
  if (result != 1) throw_openssl(tried);
}

void set_common(SSL_CTX* context) {
  check(SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION), "allow TLS 1.2 and newer");
  check(SSL_CTX_set_cipher_list(context, suites), "choose cipher suites");
  check(SSL_CTX_set1_groups_list(context, const_cast<char*>(groups)), "choose key exchanges");
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                   SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
  SSL_CTX_set_max_cert_list(context, longest_chain);
  SSL_CTX_set_timeout(context, session_seconds);
}

void set_identity(SSL_CTX* context, const tls_settings::identity& own) {
  const std::vector<x509_ptr> chain = read_certificates(own.certificate_file);
  const pkey_ptr key = read_private_key(own.key_file);
  const std::string tried = "use " + escape(own.certificate_file) + " for TLS";
  check(SSL_CTX_use_certificate(context, chain[0].get()), tried);
  for (std::size_t i = 1; i < chain.size(); ++i)
    check(SSL_CTX_add1_chain_cert(context, chain[i].get()), tried);
  check(
      X509_check_private_key(chain[0].get(), key.get()),
      fmt::format("use {} with the key in {}", escape(own.certificate_file), escape(own.key_file)));
  check(SSL_CTX_use_PrivateKey(context, key.get()), "use the key in " + escape(own.key_file));
}

void set_authorities(SSL_CTX* context, const tls_settings& from) {
  if (from.authorities_file.empty()) {
    check(SSL_CTX_set_default_verify_paths(context), "trust whom the system trusts");
    return;
  }
  const std::string tried = "trust " + escape(from.authorities_file);
  X509_STORE* const store = SSL_CTX_get_cert_store(context);
  for (const x509_ptr& authority : read_certificates(from.authorities_file)) {
    check(X509_STORE_add_cert(store, authority.get()), tried);
    if (from.is_server) check(SSL_CTX_add_client_CA(context, authority.get()), tried);
  }
}

// A name that does not fit is all that OpenSSL says. It helps to know which would have.
int note_refusal(int fine, X509_STORE_CTX* store) noexcept {
  const int error = X509_STORE_CTX_get_error(store);
  if (fine == 1 ||
      (error != X509_V_ERR_HOSTNAME_MISMATCH && error != X509_V_ERR_IP_ADDRESS_MISMATCH))
    return fine;
  try {
    const auto* const ssl = static_cast<const SSL*>(
        X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
    const std::vector<std::string> names = names_of(X509_STORE_CTX_get0_cert(store));
    tls_session::of(ssl).note_names(fmt::format("{}", fmt::join(names, ", ")));
  } catch (const std::bad_alloc&) {
    // the refusal without the names
  }
  return fine;
}

int choose_protocol(SSL*, const unsigned char** chosen, unsigned char* length,
                    const unsigned char* offered, unsigned offered_length, void* own) noexcept {
  const std::string& ours = static_cast<const tls_contexts*>(own)->protocols();
  if (ours.empty()) return SSL_TLSEXT_ERR_NOACK;
  const int found =
      SSL_select_next_proto(const_cast<unsigned char**>(chosen), length,
                            reinterpret_cast<const unsigned char*>(ours.data()),
                            static_cast<unsigned>(ours.size()), offered, offered_length);
  return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

int choose_certificate(SSL* ssl, int*, void* own) noexcept {
  const char* const name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  if (name == nullptr) return SSL_TLSEXT_ERR_NOACK;
  if (SSL_CTX* const context = static_cast<const tls_contexts*>(own)->find(name))
    SSL_set_SSL_CTX(ssl, context);
  return SSL_TLSEXT_ERR_OK;
}

int keep_session(SSL* ssl, SSL_SESSION* fresh) noexcept {
  tls_session::of(ssl).keep(ssl_session_ptr(fresh));
  return 1;  // it is ours now
}

}  // namespace

tls_contexts::tls_contexts(const tls_settings& from) : protocols_(from.protocols) {
  ERR_clear_error();
  for (const tls_settings::identity& own : from.identities) {
    note(own.certificate_file);
    note(own.key_file);
  }
  if (!from.authorities_file.empty()) note(from.authorities_file);
  for (const tls_settings::identity& own : from.identities)
    contexts_.push_back(make_context(from, &own));
  if (contexts_.empty()) contexts_.push_back(make_context(from, nullptr));
}

ssl_ctx_ptr tls_contexts::make_context(const tls_settings& from,
                                       const tls_settings::identity* own) {
  ssl_ctx_ptr fresh(made(SSL_CTX_new(from.is_server ? TLS_server_method() : TLS_client_method())));
  SSL_CTX* const context = fresh.get();
  set_common(context);
  if (own != nullptr) set_identity(context, *own);
  if (!from.is_server || !from.authorities_file.empty()) {
    set_authorities(context, from);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, note_refusal);
  }
  if (from.is_server) {
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);  // tickets are with the clients
    check(SSL_CTX_set_session_id_context(
              context, reinterpret_cast<const unsigned char*>(session_place.data()),
              session_place.size()),
          "name the place of sessions");
    tickets_.serve(context);
    SSL_CTX_set_alpn_select_cb(context, choose_protocol, this);
    SSL_CTX_set_tlsext_servername_callback(context, choose_certificate);
    SSL_CTX_set_tlsext_servername_arg(context, this);
  } else {
    SSL_CTX_set_session_cache_mode(context,
                                   SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
    SSL_CTX_sess_set_new_cb(context, keep_session);
    if (!protocols_.empty()) {
      const auto* const names = reinterpret_cast<const unsigned char*>(protocols_.data());
      if (SSL_CTX_set_alpn_protos(context, names, static_cast<unsigned>(protocols_.size())) != 0)
        throw_openssl("offer application protocols");
    }
  }
  return fresh;
}

std::filesystem::file_time_type tls_contexts::written(const std::string& file) {
  std::error_code failed;
  const auto time = std::filesystem::last_write_time(file, failed);
  return failed ? std::filesystem::file_time_type() : time;
}

void tls_contexts::note(const std::string& file) { read_.push_back({file, written(file)}); }

bool tls_contexts::is_outdated() const {
  return std::any_of(read_.begin(), read_.end(),
                     [](const file_stamp& each) { return written(each.file) != each.written; });
}

ssl_ptr tls_contexts::make_ssl() const {
  ERR_clear_error();
  return ssl_ptr(made(SSL_new(contexts_.front().get())));
}

SSL_CTX* tls_contexts::find(std::string_view name) const noexcept {
  for (const ssl_ctx_ptr& each : contexts_) {
    X509* const certificate = SSL_CTX_get0_certificate(each.get());
    if (X509_check_host(certificate, name.data(), name.size(), X509_CHECK_FLAG_NEVER_CHECK_SUBJECT,
                        nullptr) == 1)
      return each.get();
  }
  return nullptr;
}

std::string encode_protocols(const std::vector<std::string>& names) {
  std::string encoded;
  for (const std::string& name : names) {
    if (name.empty() || name.size() > 255)
      throw std::invalid_argument("alpn: a protocol's name has 1 to 255 bytes");
    encoded += static_cast<char>(name.size());
    encoded += name;
  }
  if (encoded.size() > UINT16_MAX) throw std::invalid_argument("alpn: too many protocols");
  return encoded;
}

}  // namespace cetane::detail
