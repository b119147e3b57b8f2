// TLS: what comes in place of a handshake, and a handshake on whose way something is changed.
#include <fuzz/fuzz.hpp>

#include <tls/tls_session.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace cetane::fuzz::tls_target {

using namespace cetane::detail;
using state = tls_session::state;

constexpr std::size_t most_turns = 12;

// A certificate without a name, signed by itself, that lasts as long as the process.
x509_ptr certificate_of(EVP_PKEY* key) {
  x509_ptr made_of_it(X509_new());
  X509* const certificate = made_of_it.get();
  X509_set_version(certificate, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 24 * 60 * 60);
  X509_set_pubkey(certificate, key);
  require(X509_sign(certificate, key, EVP_sha256()) > 0, "there is a certificate");
  return made_of_it;
}

// The handshakes that ask for the client's certificate have the longest way.
ssl_ctx_ptr make_context(const SSL_METHOD* method) {
  static char curve[] = "P-256";  // OpenSSL's macro takes no constant without a warning
  static const pkey_ptr key(EVP_EC_gen(curve));
  static const x509_ptr certificate = certificate_of(key.get());
  ssl_ctx_ptr context(SSL_CTX_new(method));
  require(SSL_CTX_use_certificate(context.get(), certificate.get()) == 1, "it is used");
  require(SSL_CTX_use_PrivateKey(context.get(), key.get()) == 1, "so is its key");
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, [](int, X509_STORE_CTX*) { return 1; });
  return context;
}

struct side {
  side(SSL_CTX* context, bool is_server, int newest) : session(ssl_ptr(SSL_new(context))) {
    SSL_set_max_proto_version(session.ssl(), newest);
    if (is_server) {
      SSL_set_accept_state(session.ssl());
    } else {
      SSL_set_connect_state(session.ssl());
    }
  }

  // Takes what has come, and says what is to be sent.
  std::string take(std::string_view records) {
    std::string answer;
    if (now == state::going_on) {
      now = session.shake_hands(records);
      answer = session.sealed();
    }
    if (now != state::done) return answer;
    char plain[4096];
    std::size_t taken = 0;
    do {
      end = session.read(records, plain, sizeof plain, taken);
      heard.append(plain, taken);
      answer += session.sealed();
    } while (taken == sizeof plain && end == state::going_on);
    return answer;
  }

  std::string say(std::string_view text) {
    return now == state::done && session.write(text) ? std::string(session.sealed()) : "";
  }

  bool is_well() const { return now == state::done && end != state::failed; }

  tls_session session;
  state now = state::going_on;  // of the handshake
  state end = state::going_on;  // of what comes after it
  std::string heard;
};

// A session that has failed stays so.
void check_failed(side& one) {
  if (one.is_well() || one.now == state::going_on) return;
  std::string_view nothing;
  std::size_t taken = 0;
  char plain[16];
  if (one.now == state::failed)
    require(one.session.shake_hands(nothing) != state::done, "what has failed does not succeed");
  require(one.session.read(nothing, plain, sizeof plain, taken) == state::failed && taken == 0,
          "who has failed hears nothing");
}

// Changes what is on its way: bytes of the input are put over some of it, or in between, or it is
// cut off there.
bool change(std::string& records, input& in) {
  const std::string before = records;
  const std::size_t at = in.number(records.size());
  const std::string text(in.text(in.number(40)));
  switch (in.number(2)) {
    case 0:
      records.replace(at, text.size(), text);
      break;
    case 1:
      records.insert(at, text);
      break;
    default:
      records.erase(at);
  }
  return records != before;
}

const target here("tls", [](input in) {
  static const ssl_ctx_ptr serving = make_context(TLS_server_method());
  static const ssl_ctx_ptr asking = make_context(TLS_client_method());
  const int newest = in.yes() ? TLS1_2_VERSION : TLS1_3_VERSION;
  side server(serving.get(), true, newest);
  side client(asking.get(), false, newest);
  const std::size_t turn_of_change = in.number(most_turns);
  bool changed = false;

  std::string records = client.take({});
  for (std::size_t turn = 0; turn < most_turns; ++turn) {
    const bool is_servers = turn % 2 == 0;
    side& from = is_servers ? client : server;
    side& to = is_servers ? server : client;
    if (turn >= most_turns - 4) records += from.say("a line\n");
    if (turn == turn_of_change) changed = change(records, in) || changed;
    records = to.take(records);
  }

  check_failed(server);
  check_failed(client);
  const std::string_view all = "a line\na line\n";
  require(all.starts_with(server.heard), "the server hears what was said, or less");
  require(all.starts_with(client.heard), "the client hears what was said, or less");
  if (changed) return;
  require(server.is_well() && client.is_well(), "who is left alone agrees");
  require_equal(server.heard, all, "the server hears all of it");
  require_equal(client.heard, all, "the client hears all of it");
});

}  // namespace cetane::fuzz::tls_target
