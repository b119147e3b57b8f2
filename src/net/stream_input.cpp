// A connection's input.
//
// What has arrived is in one of two places. While the backend hands over a read, it is in the
// loop's input block (`feeding` is this stream): readers that are served at once take it from
// there, and nothing is copied twice. What they leave when they suspend moves to the window, a
// piece of memory that the stream has only as long as something is in it. input() and consume()
// hide which it is. While the rest of a message that was too long is dropped, there is no input:
// neither here nor there.
#include <net/read_request.hpp>
#include <net/skipped_message.hpp>
#include <net/stream.hpp>
#include <net/stream_extras.hpp>
#include <net/stream_filter.hpp>

#include <cassert>
#include <cerrno>
#include <memory>
#include <new>
#include <utility>

namespace cetane::detail {
namespace {

// Read ahead that much while nobody asks; then the peer has to wait.
constexpr std::size_t read_ahead = 64 * 1024;

}  // namespace

std::string_view stream::input() const noexcept {
  const io_blocks& block = blocks();
  if (block.feeding == this) return block.rest();
  return window_ ? window_->view() : std::string_view();
}

void stream::consume(std::size_t bytes) noexcept {
  if (blocks().feeding == this) return blocks().consume(bytes);
  if (!window_) return;
  window_->consume(bytes);
  if (window_->empty()) window_.reset();
  update_reading();
}

bool stream::keep(std::string_view bytes) noexcept {
  try {
    if (!window_) {
      window_ = std::make_unique<input_window>();
      note_plainness();
    }
    const bool sized = request_ != nullptr && request_->want == read_request::shape::exactly;
    window_->append(bytes, sized ? request_->size : 0);
    return true;
  } catch (const std::bad_alloc&) {
    return false;
  }
}

// After close() everything is read, to be dropped: a peer that first sends all it has would else
// never come to read.
void stream::update_reading() noexcept {
  const bool has_room = phase_ != phase::open || reader_ != nullptr ||
                        ((!window_ || window_->size() < read_ahead) && held_descriptors() == 0);
  const bool wanted = phase_ != phase::closed && !input_ended_ && has_room;
  if (wanted != reading) io().set_reading(*this, wanted);
  note_plainness();
}

void stream::on_data(char* data, std::size_t bytes) noexcept {
  loop_.counters().bytes_received += bytes;
  task_context* const reader = reader_;
  if (!plain_input || reader == nullptr || reader->queued || request_ != nullptr) [[unlikely]]
    return on_data_besides(data, bytes);
  assert(is_plain_input());
  reader_ = nullptr;
  blocks().feed(*this, data, bytes);
  loop_.resume_with_input(*reader);  // which may destroy this object
}

// Without a call: a message costs no more for the filters that other connections have.
[[gnu::always_inline]] inline void stream::hand_out(char* data, std::size_t bytes) noexcept {
  if (window_) return on_more_data({data, bytes});
  io_blocks& block = blocks();
  block.feed(*this, data, bytes);
  if (skipping_) skip();
  serve_reader();
  if (block.in_use()) block.take_back();
}

// A reader that wants something particular, or nobody who reads now; an idle timeout, input that is
// dropped, input that has waited, a filter.
void stream::on_data_besides(char* data, std::size_t bytes) noexcept {
  if (extras_) {
    note_activity();
    if (extras_->filter && phase_ == phase::open) return filter_input(data, bytes);
  }
  if (phase_ != phase::open) return;  // read to be dropped
  hand_out(data, bytes);
}

void stream::take_input(char* data, std::size_t bytes) noexcept {
  loop_.counters().bytes_received += bytes;
  if (phase_ == phase::open) hand_out(data, bytes);
}

// Behind what is kept already.
void stream::on_more_data(std::string_view bytes) noexcept {
  if (!keep(bytes)) return take_end(ENOMEM);
  if (reader_ == nullptr) return update_reading();
  serve_reader();
}

// What nobody took moves to the window: the block is for the next read.
void stream::on_unread(std::string_view bytes) noexcept {
  if (!keep(bytes)) return take_end(ENOMEM);
  update_reading();
}

void stream::on_end(int error) noexcept {
  note_plainness();
  if (stream_filter* const filtered = filter()) return filtered->on_end(error);
  take_end(error);
}

void stream::take_end(int error) noexcept {
  if (phase_ == phase::lingering) return finish_close(false);
  input_ended_ = true;
  if (input_error_ == 0) input_error_ = static_cast<std::int16_t>(error);
  if (phase_ == phase::flushing && error != 0) return break_output(error);
  if (phase_ != phase::open) return;
  if (reading) update_reading();
  notify_closed();
  if (reader_ == nullptr) return;
  if (request_ != nullptr) request_->ended = true;
  if (!reader_->queued) resume_reader();
}

// Ends the input from within a call down, where no task may be resumed. What has arrived may be
// read.
void stream::end_input(int error) noexcept {
  if (phase_ != phase::open || input_ended_) return;
  input_ended_ = true;
  input_error_ = static_cast<std::int16_t>(error);
  update_reading();
  notify_closed();
  if (reader_ == nullptr) return;
  if (request_ != nullptr) request_->ended = true;
  if (reader_->queued) return;
  request_ = nullptr;
  loop_.make_ready(*std::exchange(reader_, nullptr));
}

// A reader in the ready queue has been served, or woken by something else; it looks when its turn
// comes.
void stream::serve_reader() noexcept {
  if (reader_ != nullptr && !reader_->queued && reader_is_served()) resume_reader();
}

void stream::resume_reader() noexcept {
  request_ = nullptr;
  loop_.resume(*std::exchange(reader_, nullptr));
}

bool stream::reader_is_served() noexcept {
  return request_ == nullptr ? has_input() : look_for_end(*request_, input());
}

void stream::start_skipping(const read_request& request) {
  extras().skipped = std::make_unique<skipped_message>(request.mark);
  skipping_ = true;
  note_plainness();
  skip();
}

// Drops the rest of a message that was too long, its end included.
void stream::skip() noexcept {
  skipped_message& message = *extras_->skipped;
  consume(message.drop(input()));
  if (!message.ended()) return;
  skipping_ = false;
  extras_->skipped.reset();
  note_plainness();
}

}  // namespace cetane::detail
