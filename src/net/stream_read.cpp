// Reading from a connection: one reader at a time, which takes what has arrived (stream_input.cpp)
// or waits for it. begin_ is called where a public operation suspends, finish_ where it goes on.
#include <net/read_request.hpp>
#include <net/stream.hpp>
#include <net/stream_extras.hpp>

#include <cetane/base/errors.hpp>
#include <cetane/runtime/this_task.hpp>

#include <fmt/format.h>

#include <cassert>
#include <utility>

namespace cetane::detail {
namespace {

constexpr std::string_view line_mark = "\n";
constexpr std::string_view crlf_mark = "\r\n";

}  // namespace

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
