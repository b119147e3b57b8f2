#include <tls/tls_filter.hpp>

#include <algorithm>
#include <cerrno>
#include <new>

namespace cetane::detail {
namespace {

// A peer that makes TLS answer and does not read the answers is up to no good.
constexpr std::size_t waiting_most = 256 * 1024;

constexpr std::size_t record_most = 16 * 1024;

std::string_view text_of(const iovec& part) noexcept {
  return {static_cast<const char*>(part.iov_base), part.iov_len};
}

std::string_view gather(tls_blocks& blocks, const iovec* parts, int count) noexcept {
  std::size_t bytes = 0;
  for (int i = 0; i < count && bytes < tls_blocks::plain_most; ++i)
    bytes += text_of(parts[i]).copy(blocks.gathered + bytes, tls_blocks::plain_most - bytes);
  return {blocks.gathered, bytes};
}

}  // namespace

// One large part is encrypted where it is; small ones make full records together.
ssize_t tls_filter::write(const iovec* parts, int count) noexcept {
  if (const int failed = flush(); failed != 0) return failed;
  if (parts[0].iov_len >= record_most)
    return seal(text_of(parts[0]).substr(0, tls_blocks::plain_most));
  tls_blocks* const blocks = blocks_of_thread();
  return blocks == nullptr ? -ENOMEM : seal(gather(*blocks, parts, count));
}

ssize_t tls_filter::seal(std::string_view plain) noexcept {
  if (plain.empty()) return 0;
  if (!session_->write(plain)) {
    break_off(EPROTO);
    note_failure();
    return -EPROTO;
  }
  post();
  return broken_ != 0 ? -broken_ : static_cast<ssize_t>(plain.size());
}

// Sends what the session has sealed, behind what waits.
void tls_filter::post() noexcept {
  std::string_view records = session_->sealed();
  while (!records.empty() && all_sent() && broken_ == 0) {
    const ssize_t sent = write_out(records.data(), records.size());
    if (sent == -EAGAIN) break;
    if (sent < 0) return break_off(static_cast<int>(-sent));
    records.remove_prefix(static_cast<std::size_t>(sent));
  }
  if (records.empty() || broken_ != 0) return;
  if (waiting_.size() - sent_ + records.size() > waiting_most) return break_off(EPROTO);
  try {
    waiting_.append(records);
  } catch (const std::bad_alloc&) {
    break_off(ENOMEM);
  }
}

void tls_filter::break_off(int error) noexcept {
  broken_ = error;
  waiting_.clear();
  sent_ = 0;
}

void tls_filter::note_failure() noexcept {
  try {
    note_reason("TLS: " + session_->reason());
  } catch (const std::bad_alloc&) {
    // the error without the reason
  }
}

int tls_filter::flush() noexcept {
  while (!all_sent()) {
    const ssize_t sent = write_out(waiting_.data() + sent_, waiting_.size() - sent_);
    if (sent == -EAGAIN) return -EAGAIN;
    if (sent < 0) {
      break_off(static_cast<int>(-sent));
      break;
    }
    sent_ += static_cast<std::size_t>(sent);
    note_progress();
  }
  if (broken_ != 0) return -broken_;
  sent_ = 0;
  std::string().swap(waiting_);
  if (std::exchange(end_wanted_, false)) shut_down();
  return 0;
}

// After a record that was lost there is no orderly end, and the peer can tell.
void tls_filter::end_output() noexcept {
  if (broken_ == 0) {
    session_->end();
    post();
  }
  if (all_sent()) return shut_down();
  end_wanted_ = true;
}

void tls_filter::on_data(char* data, std::size_t bytes) noexcept {
  std::string_view records(data, bytes);
  while (!ended_) {
    tls_blocks* const blocks = blocks_of_thread();
    std::size_t taken = 0;
    tls_session::state state = tls_session::state::failed;
    if (blocks != nullptr)
      state = session_->read(records, blocks->received, tls_blocks::received_capacity, taken);
    if (!session_->sealed().empty()) post();
    if (taken != 0 && !deliver(blocks->received, taken)) return;
    if (state == tls_session::state::done) {
      ended_ = true;
      return deliver_end(0);
    }
    if (state == tls_session::state::failed) {
      ended_ = true;
      break_off(EPROTO);
      note_failure();
      return deliver_end(EPROTO);
    }
    if (taken < tls_blocks::received_capacity) return;
  }
}

// The end of the socket is the end of the conversation only if the peer has said so before.
// Otherwise whoever sits between may have cut it short, which matters to those who read.
void tls_filter::on_end(int error) noexcept {
  if (ended_ || error != 0 || !is_open()) return deliver_end(error);
  ended_ = true;
  note_reason("TLS: the peer hung up without a close_notify, so something may be missing");
  deliver_end(EPROTO);
}

}  // namespace cetane::detail
