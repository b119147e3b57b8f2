#pragma once

#include <cetane/base/clock.hpp>
#include <cetane/base/config.hpp>
#include <cetane/coro/task.hpp>
#include <cetane/net/connection.hpp>
#include <cetane/net/security.hpp>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace cetane {

namespace detail {
class tls_core;
}

/// What one side needs for TLS: who it is, and whom it trusts.
///
/// A server gives it to its service, `service(handler, port).tls(context)`, a client to its
/// connect, `connect(host, port).tls(context)`. Then a connection is one as any other: handlers and
/// reads see plain text. TLS 1.2 is the least that is spoken, with AEAD suites only and without
/// renegotiation.
///
/// Its files are read when it is first used, as a service's start is, or by reload(). Copies share
/// what they are of: reload() on one of them reaches all. The words that set something are for the
/// time before it is used; everything else may be called at any time, on any thread: all event
/// loops of a program share one context, and a session that began on one loop is resumed on
/// another.
class CETANE_API tls_context {
 public:
  static constexpr bool spans_loops = true;

  /// Makes a server's context of PEM files: its certificate, followed by those between it and the
  /// root, and its private key without a passphrase.
  static tls_context server(std::string certificate_file, std::string key_file);

  /// Makes a client's context. It trusts whom the system trusts, see trust(), and connects only to
  /// a peer whose certificate is of the name that was asked for: there is no way to leave that out.
  static tls_context client();

  /// Adds a certificate. A server shows the one that is of the name that its peer asks for (SNI),
  /// or else its first; a client shows its own where it is asked to.
  tls_context& certificate(std::string certificate_file, std::string key_file) &;
  tls_context&& certificate(std::string certificate_file, std::string key_file) && {
    return std::move(certificate(std::move(certificate_file), std::move(key_file)));
  }

  /// Trusts the authorities in this PEM file, and nobody else. A server then asks its clients for a
  /// certificate of theirs, and refuses those without one.
  tls_context& trust(std::string authorities_file) &;
  tls_context&& trust(std::string authorities_file) && {
    return std::move(trust(std::move(authorities_file)));
  }

  /// Names the application protocols that are spoken, the best first (ALPN): "h2", "http/1.1". A
  /// server refuses a client that offers others only; a client may be answered with none.
  ///
  /// @throws std::invalid_argument  A name is empty or longer than 255 bytes, or they are too many.
  tls_context& alpn(std::vector<std::string> protocols) &;
  tls_context&& alpn(std::vector<std::string> protocols) && {
    return std::move(alpn(std::move(protocols)));
  }

  /// Gives up on a handshake after this long; 10 s by default.
  tls_context& handshake_timeout(any_duration limit) &;
  tls_context&& handshake_timeout(any_duration limit) && {
    return std::move(handshake_timeout(limit));
  }

  /// Reads all files now, for handshakes from now on; connections that are there go on as they are.
  /// Blocks while it reads.
  ///
  /// @throws tls_error  A file cannot be read or used, or a key is another certificate's; says
  ///                    which. Then everything stays as it was.
  void reload();

  /// Makes a connection secure that a peer has made to us, in the midst of a conversation too
  /// (STARTTLS). Services do it by themselves.
  ///
  /// Suspends until both sides agree. What has arrived and was not read counts as part of the
  /// handshake.
  /// @throws tls_error          They do not agree in time, or the peer's certificate is refused.
  /// @throws connection_closed  The peer has left.
  /// @par Cancellation  The connection can only be closed.
  [[nodiscard]] task<> accept(connection& peer) const;

  /// The same for a connection that we have made. `name` is what the peer's certificate must be of:
  /// a host's name or an IP address.
  ///
  /// @throws std::invalid_argument  The name is empty or has a zero byte in it.
  [[nodiscard]] task<> connect(connection& peer, std::string name) const;

  /// For connect_op::tls() and service::tls().
  operator std::shared_ptr<const detail::security>() const;

 private:
  explicit tls_context(std::shared_ptr<detail::tls_core> core) noexcept : core_(std::move(core)) {}

  std::shared_ptr<detail::tls_core> core_;
};

}  // namespace cetane
