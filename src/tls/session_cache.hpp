#pragma once

#include <tls/openssl.hpp>

#include <cstddef>
#include <list>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>

namespace cetane::detail {

/// What a client's earlier handshakes have left, by peer, so that the next one is short. Any thread
/// may call it.
///
/// It keeps copies and gives copies: OpenSSL writes into the session of a connection that ends
/// badly, and the next one that resumes it may be on another thread.
class session_cache {
 public:
  explicit session_cache(std::size_t most) noexcept : most_(most) {}

  /// Keeps a session, instead of an older one of this peer's; the one that was not used for longest
  /// makes room. Without memory it is not kept.
  void keep(const std::string& peer, ssl_session_ptr session) noexcept;

  /// Gives a session that may be resumed, or null. One of TLS 1.3 is for one use only (RFC 8446
  /// C.4): who listens must not see that two connections come from the same client.
  ssl_session_ptr take(const std::string& peer) noexcept;

 private:
  using entry = std::pair<std::string, ssl_session_ptr>;

  void drop(std::list<entry>::iterator at) noexcept;

  const std::size_t most_;
  std::mutex mutex_;
  std::list<entry> entries_;  // last used first
  std::unordered_map<std::string, std::list<entry>::iterator> by_peer_;
};

}  // namespace cetane::detail
