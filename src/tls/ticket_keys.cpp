#include <tls/ticket_keys.hpp>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include <algorithm>
#include <new>

namespace cetane::detail {
namespace {

template <std::size_t size>
std::array<unsigned char, size> made_of(const std::array<unsigned char, 32>& secret,
                                        std::string_view what) {
  std::array<unsigned char, 32> hash{};
  std::size_t length = 0;
  const auto* const text = reinterpret_cast<const unsigned char*>(what.data());
  if (EVP_Q_mac(nullptr, "HMAC", nullptr, "SHA256", nullptr, secret.data(), secret.size(), text,
                what.size(), hash.data(), hash.size(), &length) == nullptr)
    throw_openssl("make a key for session tickets");
  std::array<unsigned char, size> part{};
  std::copy_n(hash.begin(), size, part.begin());
  OPENSSL_cleanse(hash.data(), hash.size());
  return part;
}

ticket_keys::key key_of(const std::array<unsigned char, 32>& secret) {
  return {made_of<16>(secret, "name"), made_of<32>(secret, "cipher"), made_of<32>(secret, "mac")};
}

bool set_key(EVP_MAC_CTX* mac, ticket_keys::key& by) noexcept {
  char digest[] = "SHA256";
  const OSSL_PARAM wanted[] = {
      OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, by.mac.data(), by.mac.size()),
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
      OSSL_PARAM_construct_end(),
  };
  return EVP_MAC_CTX_set_params(mac, wanted) == 1;
}

// What OpenSSL asks of on_ticket(): its answers.
constexpr int failed = -1;
constexpr int unknown = 0;
constexpr int fine = 1;
constexpr int fine_for_once = 2;  // a new ticket is made

}  // namespace

ticket_keys::ticket_keys(clock::time_point now) : begun_(now) {
  if (RAND_bytes(secret_.data(), static_cast<int>(secret_.size())) != 1)
    throw_openssl("make a key for session tickets");
  newest_ = key_of(secret_);
}

ticket_keys::ticket_keys(const ticket_keys& other)
    : secret_(other.secret_),
      begun_(other.begun_),
      newest_(other.newest_),
      before_(other.before_) {}

ticket_keys::~ticket_keys() {
  OPENSSL_cleanse(secret_.data(), secret_.size());
  OPENSSL_cleanse(&newest_, sizeof newest_);
  if (before_) OPENSSL_cleanse(&*before_, sizeof *before_);
}

void ticket_keys::turn_on(clock::time_point now) {
  while (now - begun_ >= turn) {
    secret_ = made_of<32>(secret_, "next");
    before_ = newest_;
    newest_ = key_of(secret_);
    begun_ += turn;
  }
}

ticket_keys::key ticket_keys::newest(clock::time_point now) {
  const std::lock_guard lock(mutex_);
  turn_on(now);
  return newest_;
}

std::optional<ticket_keys::key> ticket_keys::find(std::string_view name, clock::time_point now) {
  const std::lock_guard lock(mutex_);
  turn_on(now);
  const auto is = [name](const key& one) {
    return std::equal(name.begin(), name.end(), one.name.begin(), one.name.end(),
                      [](char a, unsigned char b) { return static_cast<unsigned char>(a) == b; });
  };
  if (is(newest_)) return newest_;
  if (before_ && is(*before_)) return before_;
  return std::nullopt;
}

void ticket_keys::serve(SSL_CTX* context) {
  SSL_CTX_set_app_data(context, this);
  if (SSL_CTX_set_tlsext_ticket_key_evp_cb(context, on_ticket) != 1)
    throw_openssl("choose the keys of session tickets");
}

int ticket_keys::on_ticket(SSL* ssl, unsigned char* name, unsigned char* start,
                           EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac, int sealing) noexcept {
  auto& self = *static_cast<ticket_keys*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
  const EVP_CIPHER* const how = EVP_aes_256_cbc();
  const clock::time_point now = clock::now();
  try {
    key newest = self.newest(now);
    if (sealing != 0) {
      if (RAND_bytes(start, EVP_CIPHER_get_iv_length(how)) != 1) return failed;
      std::copy(newest.name.begin(), newest.name.end(), name);
      const bool begun =
          set_key(mac, newest) &&
          EVP_EncryptInit_ex2(cipher, how, newest.cipher.data(), start, nullptr) == 1;
      return begun ? fine : failed;
    }
    std::optional<key> by =
        self.find({reinterpret_cast<const char*>(name), newest.name.size()}, now);
    if (!by) return unknown;
    if (!set_key(mac, *by) ||
        EVP_DecryptInit_ex2(cipher, how, by->cipher.data(), start, nullptr) != 1)
      return failed;
    // A ticket of TLS 1.3 is for one use: whoever sees it twice would know the client again.
    const bool for_once = SSL_version(ssl) == TLS1_3_VERSION || by->name != newest.name;
    return for_once ? fine_for_once : fine;
  } catch (...) {
    return failed;
  }
}

}  // namespace cetane::detail
