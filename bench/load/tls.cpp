// The client's side of TLS, all in OpenSSL's own way: it is the same for every server.
#include "tls.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <stdexcept>
#include <string_view>
#include <vector>

#include "cpu_time.hpp"
#include "link.hpp"
#include "pattern.hpp"

namespace load {
namespace {

// What OpenSSL's servers choose by themselves; Go's would take another one.
constexpr const char* suite = "TLS_AES_256_GCM_SHA384";
constexpr int longest_silence_ms = 20'000;

struct freed {
  void operator()(SSL_CTX* one) const { SSL_CTX_free(one); }
  void operator()(SSL* one) const { SSL_free(one); }
  void operator()(SSL_SESSION* one) const { SSL_SESSION_free(one); }
};
using context_ptr = std::unique_ptr<SSL_CTX, freed>;
using ssl_ptr = std::unique_ptr<SSL, freed>;
using session_ptr = std::unique_ptr<SSL_SESSION, freed>;

[[noreturn]] void fail(const std::string& tried) {
  const char* const reason = ERR_reason_error_string(ERR_peek_error());
  throw std::runtime_error(tried + ": " + (reason == nullptr ? "the server left" : reason));
}

context_ptr make_context(const std::string& trusted) {
  context_ptr fresh(SSL_CTX_new(TLS_client_method()));
  SSL_CTX* const context = fresh.get();
  SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
  SSL_CTX_set_ciphersuites(context, suite);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_read_ahead(context, 1);  // one recv for many records
  if (SSL_CTX_load_verify_file(context, trusted.c_str()) != 1) fail("read " + trusted);
  return fresh;
}

ssl_ptr make_ssl(SSL_CTX* context, int fd) {
  ssl_ptr fresh(SSL_new(context));
  SSL_set_fd(fresh.get(), fd);
  SSL_set_connect_state(fresh.get());
  return fresh;
}

// As recv(2) and send(2) would say it.
ssize_t outcome_of(SSL* ssl, int result, std::size_t count) {
  if (result == 1) return static_cast<ssize_t>(count);
  switch (SSL_get_error(ssl, result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
      errno = EAGAIN;
      return -1;
    case SSL_ERROR_ZERO_RETURN:
      return 0;
    default:
      fail("TLS");
  }
}

class secure_channel final : public channel {
 public:
  secure_channel(int fd, ssl_ptr ssl) : channel(fd), ssl_(std::move(ssl)) {}

  ssize_t receive(char* to, std::size_t room) override {
    std::size_t count = 0;
    ERR_clear_error();
    const int result = SSL_read_ex(ssl_.get(), to, room, &count);
    return outcome_of(ssl_.get(), result, count);
  }
  ssize_t send(std::string_view bytes) override {
    std::size_t count = 0;
    ERR_clear_error();
    const int result = SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &count);
    begun_ = result == 1 ? 0 : bytes.size();
    return outcome_of(ssl_.get(), result, count);
  }
  std::size_t begun() const override { return begun_; }
  bool room_means_empty() const override { return false; }  // a read gives one record

 private:
  ssl_ptr ssl_;
  std::size_t begun_ = 0;
};

/// One who comes, says something, hears it, goes, and comes again.
class visitor {
 public:
  visitor(const options& chosen, SSL_CTX* context, int poller, const pattern& bytes)
      : chosen_(chosen),
        context_(context),
        poller_(poller),
        message_(bytes.slice(0, chosen.work.message_bytes)) {}

  void come() {
    begun_at_ = now();
    const int fd = connect_to(chosen_.host, chosen_.port, false);
    socket_ = std::make_unique<channel>(fd);
    ssl_ = make_ssl(context_, fd);
    if (session_) SSL_set_session(ssl_.get(), session_.get());
    heard_ = 0;
    said_ = false;
    epoll_event wanted{};
    wanted.events = EPOLLIN;
    wanted.data.ptr = this;
    epoll_ctl(poller_, EPOLL_CTL_ADD, fd, &wanted);
    go_on();
  }

  bool is_away() const { return socket_ == nullptr; }

  /// True when the visit is over; come() begins the next.
  bool turn(const pattern& bytes, outcome& found) {
    if (!go_on()) return false;
    char heard[4096];
    for (;;) {
      std::size_t count = 0;
      const int result = SSL_read_ex(ssl_.get(), heard, sizeof heard, &count);
      const ssize_t size = outcome_of(ssl_.get(), result, count);
      if (size < 0) return false;
      if (size == 0) throw std::runtime_error("the server ended a visit in the midst of it");
      found.wrong_bytes += bytes.count_wrong(heard_, {heard, count});
      heard_ += count;
      if (heard_ >= message_.size()) break;
    }
    found.times.add(now() - begun_at_);
    ++found.messages;
    leave();
    return true;
  }

 private:
  // Shakes hands as far as it can, and then says the message.
  bool go_on() {
    if (said_) return true;
    ERR_clear_error();
    if (outcome_of(ssl_.get(), SSL_do_handshake(ssl_.get()), 1) < 0) return false;
    if (session_ && SSL_session_reused(ssl_.get()) == 0)
      throw std::runtime_error("the server resumes no sessions");
    std::size_t count = 0;
    if (SSL_write_ex(ssl_.get(), message_.data(), message_.size(), &count) != 1) fail("send");
    said_ = true;
    return true;
  }

  void leave() {
    if (chosen_.resume) session_.reset(SSL_get1_session(ssl_.get()));
    SSL_shutdown(ssl_.get());
    ssl_.reset();
    socket_.reset();
  }

  const options& chosen_;
  SSL_CTX* context_;
  int poller_;
  std::string_view message_;
  std::unique_ptr<channel> socket_;
  ssl_ptr ssl_;
  session_ptr session_;
  std::uint64_t begun_at_ = 0;
  std::size_t heard_ = 0;
  bool said_ = false;
};

/// All visitors, and the one place where they wait.
class crowd {
 public:
  explicit crowd(const options& chosen)
      : chosen_(chosen),
        context_(make_context(chosen.trusted)),
        poller_(epoll_create1(EPOLL_CLOEXEC)) {
    for (std::uint64_t i = 0; i < chosen.connections; ++i)
      all_.push_back(std::make_unique<visitor>(chosen, context_.get(), poller_, bytes_));
  }
  crowd(const crowd&) = delete;
  crowd& operator=(const crowd&) = delete;
  ~crowd() { close(poller_); }

  outcome run() {
    for (const auto& each : all_) each->come();
    if (chosen_.messages == 0) go_on(chosen_.warm_up, 0);
    found_ = {};
    const std::uint64_t spent = server_time();
    const std::uint64_t begin = now();
    go_on(chosen_.duration, chosen_.messages);
    found_.elapsed = std::chrono::nanoseconds(now() - begin);
    found_.server_ns = server_time() - spent;
    outcome measured = found_;
    while (!all_away()) turn(false);
    measured.wrong_bytes = found_.wrong_bytes;
    return measured;
  }

 private:
  std::uint64_t server_time() const { return chosen_.server > 0 ? cpu_time_ns(chosen_.server) : 0; }

  bool all_away() const {
    return std::all_of(all_.begin(), all_.end(), [](const auto& each) { return each->is_away(); });
  }

  void go_on(double seconds, std::uint64_t visits) {
    const std::uint64_t end = now() + static_cast<std::uint64_t>(seconds * 1e9);
    while (visits == 0 ? now() < end : found_.messages < visits) turn(true);
  }

  void turn(bool again) {
    epoll_event events[256];
    const int count = epoll_wait(poller_, events, 256, longest_silence_ms);
    if (count == 0) throw std::runtime_error("the server has been silent for too long");
    for (int i = 0; i < count; ++i) {
      auto& one = *static_cast<visitor*>(events[i].data.ptr);
      if (one.turn(bytes_, found_) && again) one.come();
    }
  }

  const options& chosen_;
  pattern bytes_;
  context_ptr context_;
  int poller_;
  std::vector<std::unique_ptr<visitor>> all_;
  outcome found_;
};

}  // namespace

std::unique_ptr<channel> open_secure(int fd, const std::string& trusted) {
  static const context_ptr context = make_context(trusted);
  ssl_ptr ssl = make_ssl(context.get(), fd);
  if (SSL_do_handshake(ssl.get()) != 1) fail("shake hands");
  return std::make_unique<secure_channel>(fd, std::move(ssl));
}

outcome visit(const options& chosen) { return crowd(chosen).run(); }

}  // namespace load
