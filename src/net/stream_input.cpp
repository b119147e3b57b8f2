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

#include <cetane/base/errors.hpp>
#include <cetane/runtime/this_task.hpp>

#include <fmt/format.h>

#include <cassert>
#include <cerrno>
#include <new>
#include <utility>

namespace cetane::detail {
namespace {

// Read ahead that much while nobody asks; then the peer has to wait.
constexpr std::size_t read_ahead = 64 * 1024;

constexpr std::string_view line_mark = "\n";
constexpr std::string_view crlf_mark = "\r\n";

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

// The task goes on through the ready queue: others have their turn first. So a handler that catches
// every error in a loop, or one whose peer sends faster than it reads, does not keep the loop to
// itself. Once a failure was told, whoever meets it again waits a little.
bool stream::defer(std::coroutine_handle<> frame, task_context& task) noexcept {
  if (has_told_failure()) {
    task.leaf = frame;
    postpone(task);
  } else {
    task.pause(frame);
  }
  return true;
}

bool stream::has_told_failure() const noexcept { return extras_ && extras_->failure_told; }

// A task that meets the same failure again and again would keep a core busy. It is seen as one that
// waits for input, which will not come.
void stream::postpone(task_context& task) noexcept {
  loop_.postpone(task);
  task.waiting = this;
}

// A reader whose input is there goes on at once, or is the connection's reader until its turn
// comes.
bool stream::serve_now_or_next(read_request* request, std::coroutine_handle<> frame,
                               task_context& task) noexcept {
  if (--loop_.budget != 0) [[likely]]
    return false;
  task.pause(frame);
  task.waiting = this;
  reader_ = &task;
  request_ = request;
  return true;
}

// Thrown at once, but not for ever: in a loop that catches everything the finish_ function throws
// it, after the others' turn.
bool stream::refuse_reader(std::coroutine_handle<> frame, task_context& task) {
  if (--loop_.budget == 0) return defer(frame, task);
  throw_second_reader();
}

void stream::throw_second_reader() {
  throw_if_cancelled();
  throw connection_busy("read from " + peer_text(), "reader");
}

void stream::throw_if_cancelled() const {
  const task_context* const task = loop_.running();
  if (task != nullptr && task->cancel_state != cancel_reason::none) throw_cancelled(*task);
}

bool stream::begin_some(std::coroutine_handle<> frame, task_context& task) {
  if (!plain_input || reader_ != nullptr || blocks().feeding == this) [[unlikely]]
    return begin_some_besides(frame, task);
  assert(is_plain_input() && request_ == nullptr);
  reader_ = &task;
  task.suspend(frame, *this);
  return true;
}

// Something is to be read already, or nothing ever, or reading was off.
bool stream::begin_some_besides(std::coroutine_handle<> frame, task_context& task) {
  if (reader_ != nullptr) return refuse_reader(frame, task);
  if (phase_ == phase::open && has_input()) return serve_now_or_next(nullptr, frame, task);
  if (phase_ != phase::open || input_ended_) return defer(frame, task);
  reader_ = &task;
  request_ = nullptr;
  task.suspend(frame, *this);
  update_reading();
  return true;
}

bool stream::begin_read(read_request& request, std::coroutine_handle<> frame, task_context& task) {
  if (reader_ != nullptr) [[unlikely]]
    return refuse_reader(frame, task);
  if (request.want == read_request::shape::line) request.mark = line_mark;
  if (request.want == read_request::shape::exactly && request.size > limits_->receive_bytes) {
    request.too_long = true;
    return defer(frame, task);
  }
  if (window_) recall_search(request);
  if (phase_ == phase::open && look_for_end(request, input()))
    return serve_now_or_next(&request, frame, task);
  request.ended = input_ended_;
  if (phase_ != phase::open || input_ended_) return defer(frame, task);
  reader_ = &task;
  request_ = &request;
  task.suspend(frame, *this);
  if (!reading) update_reading();
  return true;
}

// The running task takes what it waited for. Another one that waits here too was there first.
void stream::leave_reading() {
  if (reader_ == nullptr) [[likely]]
    return;
  if (reader_ != loop_.running()) throw_second_reader();
  reader_ = nullptr;
  request_ = nullptr;
}

// A reader that gave up has searched what is here: the next one for the same mark goes on where it
// stopped, so that a long line costs no more for being waited for in many goes.
void stream::recall_search(read_request& request) const noexcept {
  const bool searches =
      request.want == read_request::shape::line || request.want == read_request::shape::mark;
  if (searches && request.taken == 0) request.taken = window_->searched_for(request.mark);
}

void stream::note_search(const read_request& request) noexcept {
  const bool searches =
      request.want == read_request::shape::line || request.want == read_request::shape::mark;
  if (!searches || !window_ || phase_ != phase::open || request.too_long) return;
  window_->note_searched(request.mark, request.taken - (request.complete ? 1 : 0));
}

// The reads as arms of first(). What ends a reader that waits, ends an arm too: it then finds, when
// it is polled, that it is served, or that there is nothing more to wait for.

bool stream::poll_read(read_request& request) noexcept {
  if (request.complete || request.too_long || request.refused) return true;
  if (reader_ != nullptr && request_ != &request) return true;  // and commit() says so
  if (request.want == read_request::shape::line) request.mark = line_mark;
  if (request.want == read_request::shape::exactly && request.size > limits_->receive_bytes)
    return request.too_long = true;
  if (phase_ != phase::open) return true;
  if (window_) recall_search(request);
  if (look_for_end(request, input())) return true;
  return request.ended = input_ended_;
}

bool stream::arm_read(read_request& request, task_context& task) noexcept {
  if (reader_ != nullptr) return request.refused = true;
  const bool over = poll_read(request);
  if (fails_again(request)) {
    postpone(task);
    return false;
  }
  if (over && phase_ != phase::open) return true;
  reader_ = &task;
  request_ = &request;
  if (!reading) update_reading();
  return poll_read(request);
}

bool stream::fails_again(const read_request& request) const noexcept {
  const bool ended = phase_ != phase::open || request.ended;
  return ended && has_told_failure() && !request.complete && !request.too_long;
}

void stream::disarm_read(read_request& request) noexcept {
  if (request_ == &request) {
    reader_ = nullptr;
    request_ = nullptr;
  }
  if (reader_ == nullptr && !request.refused) note_search(request);
}

// What is still in the loop's input block is not copied.
chunk stream::finish_some() {
  io_blocks& block = blocks();
  if (reader_ == nullptr && block.can_lend(*this)) [[likely]]
    return block.lend_rest();
  return finish_some_besides();
}

chunk stream::finish_some_besides() {
  leave_reading();
  io_blocks& block = blocks();
  const std::string_view bytes = phase_ == phase::open ? input() : std::string_view();
  if (bytes.empty()) throw_no_input("read from");
  if (block.borrower != nullptr) block.reclaim();
  if (block.can_lend(*this)) return block.lend_rest();
  throw_if_cancelled();  // and may have lost its place before its turn came
  chunk copy(bytes);
  consume(bytes.size());
  return copy;
}

std::optional<chunk> stream::finish_next_chunk() {
  leave_reading();
  if (phase_ == phase::open && input().empty() && input_ended_ && input_error_ == 0)
    return std::nullopt;
  return finish_some();
}

std::string stream::finish_read(read_request& request) {
  leave_reading();
  if (phase_ == phase::open) {
    if (request.complete && request.taken <= input().size()) {
      std::string message(input().substr(0, request.taken));
      consume(request.taken);
      return message;
    }
    if (request.too_long) throw_too_long(request);
    const bool at_end = request.ended && input_error_ == 0;
    if (at_end && request.want == read_request::shape::to_end) {
      std::string everything(input());
      consume(everything.size());
      return everything;
    }
  }
  throw_no_input(tried(request));
}

std::optional<std::string> stream::finish_line(read_request& request) {
  leave_reading();
  if (request.ended && !request.complete && !request.too_long && input_error_ == 0 &&
      phase_ == phase::open) {
    std::string last(input());
    if (last.empty()) return std::nullopt;
    consume(last.size());
    return last;
  }
  std::string line = finish_read(request);
  line.pop_back();
  if (!line.empty() && line.back() == '\r') line.pop_back();
  return line;
}

std::string stream::tried(const read_request& request) const {
  switch (request.want) {
    case read_request::shape::line:
      return "read a line from";
    case read_request::shape::mark:
      return request.mark == crlf_mark ? "read a line from" : "read up to a mark from";
    case read_request::shape::exactly:
      return fmt::format("read {} bytes from", request.size);
    case read_request::shape::some:
      return "read from";
    case read_request::shape::to_end:
      break;
  }
  return "read to the end of";
}

// A reader that was resumed without input: the task is cancelled, or the connection is closed here,
// or has ended. Or it was a second one: see refuse_reader().
void stream::throw_no_input(std::string_view tried) {
  throw_if_cancelled();
  if (phase_ == phase::open && !input_ended_) throw_second_reader();
  std::error_code why =
      input_error_ == 0 ? make_error_code(errc::end_of_input) : system_code(input_error_);
  if (phase_ != phase::open) why = errc::closed_here;
  extras().failure_told = true;
  throw connection_closed(with_abort_reason(tried), peer_text(), std::string(input()), why);
}

void stream::throw_too_long(const read_request& request) {
  const char* cure = "until_eol(limit)";
  if (request.want == read_request::shape::exactly) {
    throw message_too_long(tried(request) + " " + peer_text(), limits().receive_bytes,
                           "connection_limits::receive_bytes");
  }
  if (request.want == read_request::shape::to_end) {
    throw message_too_long(tried(request) + " " + peer_text(), request.size, "until_eof(limit)");
  }
  if (request.want == read_request::shape::mark) cure = "until(mark, limit)";
  const message_too_long error(tried(request) + " " + peer_text(), request.size, cure);
  start_skipping(request);
  throw error;
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

// A reader may have its message already, and wait for its turn only. Somebody else may read before
// that comes: the message is theirs.
void stream::cancel_wait(task_context& task) noexcept {
  if (reader_ == &task) {
    reader_ = nullptr;
    if (read_request* const request = std::exchange(request_, nullptr)) {
      note_search(*request);
      request->complete = request->too_long = request->ended = false;
    }
  }
  loop_.make_ready(task);
}

std::string stream::describe_wait() const {
  auto& self = const_cast<stream&>(*this);
  if (reader_ == nullptr) return "a moment, after a failure of " + self.peer_text();
  return (request_ != nullptr ? tried(*request_) : "read from") + " " + self.peer_text();
}

wait_kind stream::kind_of_wait() const noexcept {
  return reader_ == nullptr || input().empty() ? wait_kind::input : wait_kind::other;
}

std::string stream::describe_read(const read_request& request) {
  return tried(request) + " " + peer_text();
}

// The entry points of the public operations.

bool begin_read(read_request& request, std::coroutine_handle<> frame, task_context& task) {
  return request.source->begin_read(request, frame, task);
}
bool begin_some(stream& source, std::coroutine_handle<> frame, task_context& task) {
  return source.begin_some(frame, task);
}
std::string finish_read(read_request& request) { return request.source->finish_read(request); }
std::optional<std::string> finish_line(read_request& request) {
  return request.source->finish_line(request);
}
chunk finish_some(stream& source) { return source.finish_some(); }
std::optional<chunk> finish_next_chunk(stream& source) { return source.finish_next_chunk(); }
bool poll_read(read_request& request) noexcept { return request.source->poll_read(request); }
bool arm_read(read_request& request, task_context& task) noexcept {
  return request.source->arm_read(request, task);
}
bool read_fails_again(const read_request& request) noexcept {
  return request.source->fails_again(request);
}
void disarm_read(read_request& request) noexcept { request.source->disarm_read(request); }
std::string describe_read(const read_request& request) {
  return request.source->describe_read(request);
}

}  // namespace cetane::detail
