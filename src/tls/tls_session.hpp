#pragma once

#include <tls/openssl.hpp>
#include <tls/session_cache.hpp>
#include <tls/tls_blocks.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace cetane::detail {

/// One end of a TLS conversation: records in, plain text out, and the other way round. It knows
/// nothing of sockets and never waits.
///
/// Each call takes records from the text that it is given, as far as it can, and leaves what is to
/// be sent in the thread's blocks, as sealed(), for the caller to take before the next call of
/// any session. A session that has failed says so for ever. A peer that changes its keys again and
/// again, which costs us more than it, and says nothing, makes it fail.
class tls_session {
 public:
  /// Takes over an SSL object with its certificate and its expectations, but without a BIO.
  explicit tls_session(ssl_ptr ssl);

  enum class state {
    going_on,  ///< all input was taken
    done,      ///< the handshake is over; the peer has ended its output
    failed,    ///< reason() says why
  };

  state shake_hands(std::string_view& records);

  /// Decrypts into `room` bytes at `to`, as far as there are any; going_on with `taken == room`
  /// means that there may be more.
  state read(std::string_view& records, char* to, std::size_t room, std::size_t& taken) noexcept;

  /// Encrypts at most tls_blocks::plain_most bytes.
  bool write(std::string_view plain) noexcept;

  /// Says that nothing more will come from us: close_notify.
  void end() noexcept;

  /// What is to be sent now.
  std::string_view sealed() const noexcept {
    return blocks_ == nullptr ? std::string_view() : blocks_->sealed_text();
  }

  /// Why it failed, empty without memory to say it.
  const std::string& reason() const noexcept { return reason_; }

  /// For a client: what the handshake leaves for the next one is kept for `peer`.
  void remember_in(std::shared_ptr<session_cache> cache, std::string peer);
  void keep(ssl_session_ptr fresh) noexcept;

  /// Notes which names the certificate has that was refused for its name.
  void note_names(std::string names) noexcept { names_ = std::move(names); }
  const std::string& names() const noexcept { return names_; }

  SSL* ssl() const noexcept { return ssl_.get(); }
  static tls_session& of(const SSL* ssl) noexcept;

 private:
  static BIO_METHOD* bio_method();
  static int bio_read(BIO* bio, char* to, std::size_t room, std::size_t* taken) noexcept;
  static int bio_write(BIO* bio, const char* from, std::size_t count, std::size_t* taken) noexcept;
  static void on_message(int is_ours, int version, int type, const void* bytes, std::size_t count,
                         SSL* ssl, void* self) noexcept;
  static long bio_control(BIO* bio, int command, long number, void* pointer) noexcept;

  bool begin(std::string_view& records) noexcept;
  state fail() noexcept;

  ssl_ptr ssl_;
  tls_blocks* blocks_;                   // of the thread that calls: a loop may go to another one
  std::string_view* records_ = nullptr;  // where bio_read() takes from
  std::string reason_;
  std::string names_;
  std::shared_ptr<session_cache> cache_;
  std::string peer_;
  unsigned key_updates_ = 0;  // since something was said
  bool failed_ = false;
};

}  // namespace cetane::detail
