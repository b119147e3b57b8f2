#pragma once

#include <tls/openssl.hpp>
#include <tls/ticket_keys.hpp>

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace cetane::detail {

/// What a `tls_context` was told, and may be told again by its files.
struct tls_settings {
  struct identity {
    std::string certificate_file;
    std::string key_file;
  };

  bool is_server = false;
  std::vector<identity> identities;
  std::string authorities_file;  // empty: a client trusts the system's, a server asks for none
  std::string protocols;         // for ALPN, each behind a byte with its length
};

/// OpenSSL's contexts made of such settings. They do not change any more, so any thread may use
/// them; a handshake keeps them until it is over.
class tls_contexts {
 public:
  /// @throws tls_error  A file cannot be read or used.
  explicit tls_contexts(const tls_settings& from);
  tls_contexts(const tls_contexts&) = delete;
  tls_contexts& operator=(const tls_contexts&) = delete;

  /// The SSL object for a new connection.
  ssl_ptr make_ssl() const;

  /// Chooses among the certificates the one that is of `name`, null if none is.
  SSL_CTX* find(std::string_view name) const noexcept;

  const std::string& protocols() const noexcept { return protocols_; }

  /// Whether a file is another one now than the one that was read.
  bool is_outdated() const;

 private:
  struct file_stamp {
    std::string file;
    std::filesystem::file_time_type written;
  };
  static std::filesystem::file_time_type written(const std::string& file);
  void note(const std::string& file);
  ssl_ctx_ptr make_context(const tls_settings& from, const tls_settings::identity* own);

  ticket_keys tickets_;                // of a server
  std::vector<ssl_ctx_ptr> contexts_;  // one for each certificate, one at least
  std::string protocols_;
  std::vector<file_stamp> read_;
};

/// As OpenSSL wants them. Throws std::invalid_argument.
std::string encode_protocols(const std::vector<std::string>& names);

}  // namespace cetane::detail
