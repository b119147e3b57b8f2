#pragma once

#include <cetane/base/config.hpp>
#include <cetane/coro/task.hpp>
#include <cetane/net/connection.hpp>

#include <string>

namespace cetane::detail {

/// What makes connections secure before anything else is said on them: a `tls_context`, of
/// <cetane/tls/tls.hpp>. Services and connects know no more of TLS than this.
///
/// All event loops of a program share one: any thread may call it, several at the same time.
class CETANE_API security {
 public:
  virtual ~security();

  /// Gets ready what it needs, now rather than with the first peer; throws error.
  virtual void prepare() const = 0;

  /// Agrees with a peer that has connected to us; throws tls_error.
  virtual task<> accept(connection& peer) const = 0;

  /// Agrees with a peer that we have connected to, and which must be `name`; throws tls_error.
  virtual task<> connect(connection& peer, std::string name) const = 0;
};

}  // namespace cetane::detail
