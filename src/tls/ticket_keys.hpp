#pragma once

#include <tls/openssl.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <mutex>
#include <optional>
#include <string_view>

namespace cetane::detail {

/// The keys of a server's session tickets: a new one every two hours, and the one before for who
/// comes with a ticket of its time.
///
/// OpenSSL by itself uses one key as long as its context lives. Whoever gets hold of that can read
/// all conversations of TLS 1.2 that were recorded meanwhile; here it is those of the last hours.
/// Each key is made of a secret that is replaced by its own hash at every turn, by which nobody
/// finds the way back. So processes that have a common ancestor agree on the keys without a word.
///
/// Any thread may use it.
class ticket_keys {
 public:
  using clock = std::chrono::steady_clock;
  static constexpr std::chrono::hours turn{2};

  struct key {
    std::array<unsigned char, 16> name;  // is in the ticket
    std::array<unsigned char, 32> cipher;
    std::array<unsigned char, 32> mac;
  };

  explicit ticket_keys(clock::time_point now = clock::now());
  ticket_keys(const ticket_keys& other);
  ticket_keys& operator=(const ticket_keys&) = delete;
  ~ticket_keys();

  /// The key for new tickets.
  key newest(clock::time_point now);

  /// The key of this name, if it is not too old.
  std::optional<key> find(std::string_view name, clock::time_point now);

  /// Makes it a context's; it outlives the handshakes.
  void serve(SSL_CTX* context);

 private:
  static int on_ticket(SSL* ssl, unsigned char* name, unsigned char* start, EVP_CIPHER_CTX* cipher,
                       EVP_MAC_CTX* mac, int sealing) noexcept;
  void turn_on(clock::time_point now);

  std::mutex mutex_;
  std::array<unsigned char, 32> secret_{};
  clock::time_point begun_;
  key newest_{};
  std::optional<key> before_;
};

}  // namespace cetane::detail
