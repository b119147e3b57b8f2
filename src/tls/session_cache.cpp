#include <tls/session_cache.hpp>

#include <new>

namespace cetane::detail {

void session_cache::drop(std::list<entry>::iterator at) noexcept {
  by_peer_.erase(at->first);
  entries_.erase(at);
}

void session_cache::keep(const std::string& peer, ssl_session_ptr session) noexcept {
  ssl_session_ptr copy(SSL_SESSION_dup(session.get()));
  const std::lock_guard lock(mutex_);
  if (const auto known = by_peer_.find(peer); known != by_peer_.end()) drop(known->second);
  if (!copy) return;
  try {
    entries_.emplace_front(peer, std::move(copy));
  } catch (const std::bad_alloc&) {
    return;
  }
  try {
    by_peer_.emplace(peer, entries_.begin());
  } catch (const std::bad_alloc&) {
    entries_.pop_front();
    return;
  }
  if (entries_.size() > most_) drop(std::prev(entries_.end()));
}

ssl_session_ptr session_cache::take(const std::string& peer) noexcept {
  const std::lock_guard lock(mutex_);
  const auto known = by_peer_.find(peer);
  if (known == by_peer_.end()) return nullptr;
  const auto at = known->second;
  SSL_SESSION* const session = at->second.get();
  if (SSL_SESSION_is_resumable(session) == 0) {
    drop(at);
    return nullptr;
  }
  if (SSL_SESSION_get_protocol_version(session) >= TLS1_3_VERSION) {
    ssl_session_ptr taken = std::move(at->second);
    drop(at);
    return taken;
  }
  entries_.splice(entries_.begin(), entries_, at);
  return ssl_session_ptr(SSL_SESSION_dup(session));
}

}  // namespace cetane::detail
