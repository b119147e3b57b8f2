#pragma once

#include <tls/session_cache.hpp>
#include <tls/tls_settings.hpp>

#include <cetane/base/clock.hpp>
#include <cetane/base/limits.hpp>
#include <cetane/net/security.hpp>

#include <functional>
#include <memory>
#include <mutex>
#include <string>

namespace cetane::detail {

/// What the copies of a `tls_context` share.
class tls_core final : public security {
 public:
  explicit tls_core(tls_settings first);

  void change(const std::function<void(tls_settings&)>& edit);
  void reload() const;
  void set_handshake_timeout(duration limit) noexcept { handshake_timeout_ = limit; }

  void prepare() const override;
  task<> accept(connection& peer) const override;
  task<> connect(connection& peer, std::string name) const override;

 private:
  struct parts {
    std::shared_ptr<const tls_contexts> contexts;
    std::shared_ptr<session_cache> sessions;

    void swap(parts& other) noexcept {
      contexts.swap(other.contexts);
      sessions.swap(other.sessions);
    }
  };
  parts current() const;
  tls_settings settings() const;

  mutable std::mutex reload_mutex_;  // before the other one
  mutable std::mutex mutex_;         // for the settings and what is made of them
  const bool is_server_;
  tls_settings settings_;
  mutable parts parts_;  // empty: not made yet
  duration handshake_timeout_ = default_tls_timeout;
};

}  // namespace cetane::detail
