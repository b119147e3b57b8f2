#include <tls/tls_core.hpp>

#include <tls/tls_handshake.hpp>
#include <tls/tls_session.hpp>

#include <cetane/base/errors.hpp>
#include <cetane/base/log.hpp>
#include <cetane/base/text.hpp>
#include <cetane/os/address.hpp>

#include <fmt/format.h>
#include <openssl/x509v3.h>

#include <stdexcept>
#include <utility>

namespace cetane::detail {
namespace {

const log::logger tls_log("tls");

std::shared_ptr<session_cache> new_cache() {
  return std::make_shared<session_cache>(default_tls_sessions);
}

// A name as certificates have it: without the dot at its end that some resolvers want.
std::string checked_name(std::string name) {
  if (!name.empty() && name.back() == '.') name.pop_back();
  if (name.empty())
    throw std::invalid_argument(
        "TLS: it needs the name that the peer's certificate must be of, as in tls(context, "
        "\"example.org\")");
  if (name.find('\0') != std::string::npos)
    throw std::invalid_argument(
        fmt::format("TLS: the name {} has a zero byte in it", escape(name)));
  return name;
}

// OpenSSL looks at nothing if it is not told whom to expect.
void expect(SSL* ssl, const std::string& name) {
  X509_VERIFY_PARAM* const checks = SSL_get0_param(ssl);
  X509_VERIFY_PARAM_set_hostflags(
      checks, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  const bool is_ip = address::parse_ip(name, 0).has_value();
  const int known = is_ip ? X509_VERIFY_PARAM_set1_ip_asc(checks, name.c_str())
                          : X509_VERIFY_PARAM_set1_host(checks, name.data(), name.size());
  if (known != 1) throw_openssl("expect the name " + escape(name));
  if (!is_ip && SSL_set_tlsext_host_name(ssl, name.c_str()) != 1)
    throw_openssl("ask for the name " + escape(name));
}

}  // namespace

tls_core::tls_core(tls_settings first) : is_server_(first.is_server), settings_(std::move(first)) {}

void tls_core::change(const std::function<void(tls_settings&)>& edit) {
  const std::lock_guard lock(mutex_);
  edit(settings_);
  parts_ = {};
}

// With new sessions: the old ones were agreed on with the old trust. Handshakes of other loops do
// not wait until the files are read.
void tls_core::reload() const {
  const std::lock_guard one_at_a_time(reload_mutex_);
  parts fresh{std::make_shared<const tls_contexts>(settings()), new_cache()};
  const std::lock_guard lock(mutex_);
  parts_.swap(fresh);
}

tls_settings tls_core::settings() const {
  const std::lock_guard lock(mutex_);
  return settings_;
}

tls_core::parts tls_core::current() const {
  const std::lock_guard lock(mutex_);
  if (!parts_.contexts)
    parts_ = parts{std::make_shared<const tls_contexts>(settings_), new_cache()};
  return parts_;
}

// A worker process has what its master had read, with which it can take up the others' sessions. It
// may be there because the certificate is a new one.
void tls_core::prepare() const {
  const parts now = current();
  if (!now.contexts->is_outdated()) return;
  try {
    reload();
  } catch (const tls_error& e) {
    tls_log.error("{}; the old one stays in use", e.what());
  }
}

task<> tls_core::accept(connection& peer) const {
  if (!is_server_)
    throw std::logic_error(
        "TLS: a client's context is used by a server; see tls_context::server()");
  const parts now = current();
  auto session = std::make_unique<tls_session>(now.contexts->make_ssl());
  SSL_set_accept_state(session->ssl());
  co_await shake_hands(peer, session, peer.remote().to_string(), handshake_timeout_);
}

task<> tls_core::connect(connection& peer, std::string name) const {
  if (is_server_)
    throw std::logic_error(
        "TLS: a server's context is used by a client; see tls_context::client()");
  name = checked_name(std::move(name));
  const parts now = current();
  auto session = std::make_unique<tls_session>(now.contexts->make_ssl());
  SSL_set_connect_state(session->ssl());
  expect(session->ssl(), name);
  const std::string with = fmt::format("{} ({})", escape(name), peer.remote().to_string());
  if (const ssl_session_ptr known = now.sessions->take(with))
    SSL_set_session(session->ssl(), known.get());
  session->remember_in(now.sessions, with);
  co_await shake_hands(peer, session, with, handshake_timeout_);
}

}  // namespace cetane::detail
