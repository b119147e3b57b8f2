#include <cetane/tls/tls_context.hpp>

#include <tls/tls_core.hpp>

#include <utility>

namespace cetane {

using detail::tls_core;
using detail::tls_settings;

tls_context tls_context::server(std::string certificate_file, std::string key_file) {
  tls_settings settings;
  settings.is_server = true;
  settings.identities.push_back({std::move(certificate_file), std::move(key_file)});
  return tls_context(std::make_shared<tls_core>(std::move(settings)));
}

tls_context tls_context::client() {
  return tls_context(std::make_shared<tls_core>(tls_settings()));
}

tls_context& tls_context::certificate(std::string certificate_file, std::string key_file) & {
  core_->change([&](tls_settings& settings) {
    if (!settings.is_server) settings.identities.clear();  // a client has one
    settings.identities.push_back({std::move(certificate_file), std::move(key_file)});
  });
  return *this;
}

tls_context& tls_context::trust(std::string authorities_file) & {
  core_->change(
      [&](tls_settings& settings) { settings.authorities_file = std::move(authorities_file); });
  return *this;
}

tls_context& tls_context::alpn(std::vector<std::string> protocols) & {
  core_->change([encoded = detail::encode_protocols(protocols)](tls_settings& settings) {
    settings.protocols = encoded;
  });
  return *this;
}

tls_context& tls_context::handshake_timeout(any_duration limit) & {
  core_->set_handshake_timeout(limit);
  return *this;
}

void tls_context::reload() { core_->reload(); }

task<> tls_context::accept(connection& peer) const {
  const std::shared_ptr<const tls_core> kept = core_;
  co_await kept->accept(peer);
}

task<> tls_context::connect(connection& peer, std::string name) const {
  const std::shared_ptr<const tls_core> kept = core_;
  co_await kept->connect(peer, std::move(name));
}

tls_context::operator std::shared_ptr<const detail::security>() const { return core_; }

}  // namespace cetane
