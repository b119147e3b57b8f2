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

  /// Makes new contexts of the changed settings, and keeps both; or throws, and keeps neither.
  void change(const std::function<void(tls_settings&)>& edit);
  void set_handshake_timeout(duration limit) noexcept { handshake_timeout_ = limit; }

  task<> accept(connection& peer) const override;
  task<> connect(connection& peer, std::string name) const override;

 private:
  mutable std::mutex mutex_;  // for what change() changes
  const bool is_server_;
  tls_settings settings_;
  std::shared_ptr<const tls_contexts> contexts_;
  std::shared_ptr<session_cache> sessions_;
  duration handshake_timeout_ = default_tls_timeout;
};

}  // namespace cetane::detail
