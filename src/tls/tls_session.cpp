// OpenSSL reads and writes through a BIO of ours, which takes from the caller's text and puts into
// the thread's block: it need not know of sockets, and no byte is kept twice. OpenSSL itself keeps
// the record that has come in part.
#include <tls/tls_session.hpp>

#include <openssl/err.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

namespace cetane::detail {
namespace {

constexpr unsigned most_key_updates = 32;

}  // namespace

tls_blocks* blocks_of_thread() noexcept {
  static thread_local std::unique_ptr<tls_blocks> blocks;
  if (!blocks) blocks.reset(new (std::nothrow) tls_blocks);  // without writing zeros all over it
  return blocks.get();
}

BIO_METHOD* tls_session::bio_method() {
  static const bio_method_ptr method = [] {
    bio_method_ptr fresh(made(BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "cetane")));
    BIO_meth_set_read_ex(fresh.get(), bio_read);
    BIO_meth_set_write_ex(fresh.get(), bio_write);
    BIO_meth_set_ctrl(fresh.get(), bio_control);
    return fresh;
  }();
  return method.get();
}

tls_session::tls_session(ssl_ptr ssl) : ssl_(std::move(ssl)), blocks_(made(blocks_of_thread())) {
  BIO* const bio = made(BIO_new(bio_method()));
  BIO_set_init(bio, 1);
  BIO_set_data(bio, this);
  SSL_set_bio(ssl_.get(), bio, bio);  // which owns it
  SSL_set_mode(ssl_.get(), SSL_MODE_RELEASE_BUFFERS);
  SSL_set_msg_callback(ssl_.get(), on_message);
  SSL_set_msg_callback_arg(ssl_.get(), this);
}

tls_session& tls_session::of(const SSL* ssl) noexcept {
  return *static_cast<tls_session*>(BIO_get_data(SSL_get_rbio(ssl)));
}

void tls_session::remember_in(std::shared_ptr<session_cache> cache, std::string peer) {
  cache_ = std::move(cache);
  peer_ = std::move(peer);
}

void tls_session::keep(ssl_session_ptr fresh) noexcept {
  if (cache_) cache_->keep(peer_, std::move(fresh));
}

void tls_session::on_message(int is_ours, int, int type, const void* bytes, std::size_t count, SSL*,
                             void* self) noexcept {
  if (is_ours != 0 || type != SSL3_RT_HANDSHAKE || count == 0) return;
  if (*static_cast<const unsigned char*>(bytes) == SSL3_MT_KEY_UPDATE)
    ++static_cast<tls_session*>(self)->key_updates_;
}

// OpenSSL takes a call's input to its end by itself, unless there is an error here.
int tls_session::bio_read(BIO* bio, char* to, std::size_t room, std::size_t* taken) noexcept {
  BIO_clear_retry_flags(bio);
  auto& self = *static_cast<tls_session*>(BIO_get_data(bio));
  if (self.key_updates_ > most_key_updates) return 0;
  if (self.records_ == nullptr || self.records_->empty()) {
    BIO_set_retry_read(bio);
    return 0;
  }
  *taken = self.records_->copy(to, room);
  self.records_->remove_prefix(*taken);
  return 1;
}

int tls_session::bio_write(BIO* bio, const char* from, std::size_t count,
                           std::size_t* taken) noexcept {
  BIO_clear_retry_flags(bio);
  tls_blocks& blocks = *static_cast<tls_session*>(BIO_get_data(bio))->blocks_;
  if (count > tls_blocks::sealed_capacity - blocks.sealed_bytes) return 0;
  std::memcpy(blocks.sealed + blocks.sealed_bytes, from, count);
  blocks.sealed_bytes += count;
  *taken = count;
  return 1;
}

long tls_session::bio_control(BIO*, int command, long, void*) noexcept {
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

bool tls_session::begin(std::string_view& records) noexcept {
  ERR_clear_error();
  blocks_ = blocks_of_thread();
  if (blocks_ == nullptr) return false;
  blocks_->sealed_bytes = 0;
  records_ = &records;
  return true;
}

tls_session::state tls_session::fail() noexcept {
  failed_ = true;
  records_ = nullptr;
  try {
    reason_ = openssl_reason();
    if (key_updates_ > most_key_updates)
      reason_ = "the peer changes its keys again and again, and says nothing";
  } catch (const std::bad_alloc&) {
    ERR_clear_error();
  }
  return state::failed;
}

tls_session::state tls_session::shake_hands(std::string_view& records) {
  if (!begin(records)) return fail();
  const int result = SSL_do_handshake(ssl_.get());
  records_ = nullptr;
  if (result == 1) return state::done;
  if (SSL_get_error(ssl_.get(), result) == SSL_ERROR_WANT_READ) return state::going_on;
  return fail();
}

tls_session::state tls_session::read(std::string_view& records, char* to, std::size_t room,
                                     std::size_t& taken) noexcept {
  taken = 0;
  if (!begin(records)) return fail();  // what others have sealed is none of ours
  if (failed_) {
    records_ = nullptr;
    return state::failed;
  }
  int result = 1;
  // Asked once more than there are records, OpenSSL would make a buffer and throw it away again.
  do {
    std::size_t count = 0;
    result = SSL_read_ex(ssl_.get(), to + taken, room - taken, &count);
    if (result != 1) break;
    taken += count;
    key_updates_ = 0;
  } while (taken < room && (!records.empty() || SSL_pending(ssl_.get()) != 0));
  records_ = nullptr;
  if (result == 1) return state::going_on;
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      return state::going_on;
    case SSL_ERROR_ZERO_RETURN:
      return state::done;
    default:
      return fail();
  }
}

bool tls_session::write(std::string_view plain) noexcept {
  std::string_view nothing;
  std::size_t taken = 0;
  if (failed_) return false;
  if (begin(nothing) && SSL_write_ex(ssl_.get(), plain.data(), plain.size(), &taken) == 1) {
    records_ = nullptr;
    return true;
  }
  fail();
  return false;
}

void tls_session::end() noexcept {
  std::string_view nothing;
  if (begin(nothing) && !failed_) SSL_shutdown(ssl_.get());
  records_ = nullptr;
  ERR_clear_error();
}

}  // namespace cetane::detail
