#include <tls/tls_handshake.hpp>

#include <tls/tls_filter.hpp>

#include <cetane/base/errors.hpp>
#include <cetane/base/limits.hpp>
#include <cetane/base/text.hpp>
#include <cetane/conc/timeout.hpp>
#include <cetane/tls/tls_errc.hpp>

#include <fmt/format.h>
#include <openssl/err.h>

#include <cassert>
#include <string_view>
#include <utility>

namespace cetane::detail {
namespace {

[[noreturn]] void throw_failed(const std::string& with, std::string_view why,
                               std::error_code code) {
  throw tls_error(error::whole_text(fmt::format("TLS handshake with {}: {}", with, why)), code);
}

// What helps against the refusals that everybody meets once.
std::string_view remedy_for(long refusal) noexcept {
  switch (refusal) {
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
      return "; tls_context::trust() makes its authority a trusted one";
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
      return "; either its authority is not trusted, see tls_context::trust(), or the peer does "
             "not "
             "send the certificates in between";
    default:
      return "";
  }
}

[[noreturn]] void throw_failed(const std::string& with, const tls_session& session) {
  const long refusal = SSL_get_verify_result(session.ssl());
  if (refusal == X509_V_OK) throw_failed(with, session.reason(), tls_errc::handshake_failed);
  std::string why =
      fmt::format("its certificate is refused: {}", X509_verify_cert_error_string(refusal));
  if (refusal == X509_V_ERR_HOSTNAME_MISMATCH || refusal == X509_V_ERR_IP_ADDRESS_MISMATCH)
    why += ", it is for " + (session.names().empty() ? "no name" : escape(session.names()));
  why += remedy_for(refusal);
  throw_failed(with, why, tls_errc::certificate_refused);
}

[[noreturn]] void throw_left(const std::string& with, const connection_closed& how) {
  const bool orderly = how.code() == errc::end_of_input;
  throw_failed(with, orderly ? "the peer hung up before its end" : reason_text(how.code()),
               tls_errc::handshake_failed);
}

// The handshake; gives what was read behind it.
task<std::string> talk(connection& peer, tls_session& session, const std::string& with,
                       std::size_t& received) {
  chunk bytes;
  std::string_view records;
  for (;;) {
    const tls_session::state state = session.shake_hands(records);
    const std::string behind(records);  // before something suspends, which moves them
    send_op sent = peer.send(session.sealed());
    if (state == tls_session::state::failed) throw_failed(with, session);
    co_await sent;
    if (state == tls_session::state::done) {
      co_await peer.drain();
      co_return behind;
    }
    bytes = co_await peer.receive_some();
    records = bytes.view();
    received += records.size();
    if (received > most_handshake_bytes)
      throw_failed(with, fmt::format("it has no end after {} bytes", most_handshake_bytes),
                   tls_errc::handshake_failed);
  }
}

}  // namespace

task<> shake_hands(connection& peer, std::unique_ptr<tls_session>& session, std::string with,
                   duration limit) {
  std::string behind;
  std::size_t received = 0;
  try {
    behind = co_await with_timeout(limit, talk(peer, *session, with, received));
  } catch (const timed_out&) {
    throw_failed(with, fmt::format("no agreement within {}", duration_text(limit)),
                 errc::timed_out);
  } catch (const connection_closed& e) {
    if (received == 0 && SSL_is_server(session->ssl()) == 1)
      throw;  // it only looked whether we are here
    throw_left(with, e);
  }
  put_filter(peer, std::make_unique<tls_filter>(std::move(session)), std::move(behind));
}

}  // namespace cetane::detail
