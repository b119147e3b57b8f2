// A connection's output.
//
// What the running task sends is staged in the loop's output block and leaves with one system call
// when the task suspends, so that send(a); send(b), or sixteen answers to sixteen lines, are one
// packet. The backend may keep such a packet until its next poll (write_soon()); settle() asks for
// it where more than the next packet depends on it. More than a page goes out at once, together
// with what is staged, from the caller's memory. What the socket does not take moves to the output
// queue and leaves as it can.
#include <net/stream.hpp>
#include <net/stream_extras.hpp>
#include <net/stream_filter.hpp>
#include <os/file.hpp>

#include <cetane/base/errors.hpp>
#include <cetane/net/connection.hpp>

#include <array>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <new>
#include <span>
#include <utility>

namespace cetane::detail {
namespace {

constexpr std::size_t staged_most = 4096;  // larger messages are not copied
constexpr int parts_per_call = 64;
constexpr std::size_t file_part_most = 256 * 1024;
constexpr int calls_per_turn = 16;  // then others have theirs, though the socket may take more

std::size_t size_of(const std::string_view* parts, std::size_t count) noexcept {
  std::size_t size = 0;
  for (std::size_t i = 0; i < count; ++i) size += parts[i].size();
  return size;
}

// Whether an error that a write met says that the connection is gone altogether. EPIPE does not:
// the peer's orderly end may have come before. In both cases the input comes to an end by itself.
bool is_reset(int error) noexcept {
  return error == ECONNRESET || error == ECONNABORTED || error == ETIMEDOUT ||
         error == EHOSTUNREACH || error == ENETUNREACH;
}

iovec part_of(std::string_view bytes) noexcept {
  return {const_cast<char*>(bytes.data()), bytes.size()};
}

}  // namespace

std::size_t stream::queued_bytes() const noexcept {
  const std::size_t staged = blocks().staging == this ? blocks().staged_bytes : 0;
  return staged + (output_ ? output_->bytes() : 0);
}

output_queue& stream::output() {
  if (!output_) {
    output_ = std::make_unique<output_queue>(*this);
    note_plainness();
  }
  return *output_;
}

// Most sends are one small part that finds the stage free. The copy comes last, so that there is
// nothing to save across it.
inline bool stream::queue(std::string_view part) {
  io_blocks& block = blocks();
  const std::size_t staged = block.staged_bytes;
  if (block.staging != nullptr && block.staging != this) return queue_besides(part);
  if (staged + part.size() > staged_most || !plain_output) return queue_besides(part);
  assert(is_plain_output());
  if (!loop_.within_budget()) return queue_at_end_of_budget(part);
  loop_.counters().bytes_queued += part.size();
  block.staging = this;
  block.staged_bytes = staged + part.size();
  std::memcpy(block.staged + staged, part.data(), part.size());
  return true;
}

// The last await must stay: the next one that suspends would go unnoticed.
bool stream::queue_at_end_of_budget(std::string_view part) {
  loop_.budget = 1;
  return queue_besides(part);
}

bool stream::queue_besides(std::string_view part) { return queue(&part, 1, usual_priority); }

bool stream::queue(const std::string_view* parts, std::size_t count, int level) {
  if (!takes_output()) return false;  // the await tells
  const std::size_t size = size_of(parts, count);
  if (output_ || level != usual_priority || size > staged_most)
    return queue_much(parts, count, size, level);
  take_stage();
  if (blocks().staged_bytes + size > io_blocks::staged_capacity) {
    loop_.flush_staged();
    return queue_much(parts, count, size, level);
  }
  stage(parts, count);
  loop_.counters().bytes_queued += size;
  return may_go_on();
}

// Sends that nobody awaits must not use up the last await: the next one that suspends would go
// unnoticed.
bool stream::may_go_on() noexcept {
  if (loop_.budget <= 1) return false;
  --loop_.budget;
  return true;
}

// What does not fit the common case: other output is waiting, or a priority decides, or it is more
// than a page.
bool stream::queue_much(const std::string_view* parts, std::size_t count, std::size_t size,
                        int level) {
  if (output_ || level != usual_priority) {
    queue_behind(parts, count, level);
  } else {
    take_stage();
    if (size > staged_most) {
      write_through(parts, count);
    } else {
      stage(parts, count);
    }
  }
  loop_.counters().bytes_queued += size;
  return output_error_ == 0 && queued_bytes() <= limits_->output_high_bytes && may_go_on();
}

bool stream::try_queue(const std::string_view* parts, std::size_t count) noexcept {
  if (!takes_output()) return false;
  if (queued_bytes() + size_of(parts, count) > limits_->output_bytes) return false;
  try {
    queue(parts, count, usual_priority);
    return true;
  } catch (const std::bad_alloc&) {
    return false;
  }
}

void stream::take_stage() noexcept {
  io_blocks& block = blocks();
  if (block.staging == this) return;
  loop_.flush_staged();
  block.staging = this;
}

void stream::leave_stage() noexcept {
  if (blocks().staging != this) return;
  loop_.counters().bytes_dropped += blocks().staged_bytes;
  blocks().staging = nullptr;
  blocks().staged_bytes = 0;
}

void stream::stage(const std::string_view* parts, std::size_t count) noexcept {
  io_blocks& block = blocks();
  for (std::size_t i = 0; i < count; ++i) {
    parts[i].copy(block.staged + block.staged_bytes, parts[i].size());
    block.staged_bytes += parts[i].size();
  }
}

// Behind other output, by priority. It is on the stage before, so that the queue is written when
// the task suspends; or goes then, if there is no memory for what should be in it.
void stream::queue_behind(const std::string_view* parts, std::size_t count, int level) {
  unstage_into_queue();
  take_stage();
  output().push(parts, count, level);
}

void stream::unstage_into_queue() {
  io_blocks& block = blocks();
  if (block.staging != this || block.staged_bytes == 0) return;
  const std::string_view staged(block.staged, block.staged_bytes);
  output().push(&staged, 1, usual_priority);
  block.staged_bytes = 0;
}

// Output that the backend keeps for its next poll leaves now, or comes back.
void stream::settle() noexcept {
  if (!output_taken) return;
  const backend::unsent rest = io().send_taken(*this);
  if (!rest.bytes.empty()) on_unsent(rest.bytes, rest.error);
}

// It was counted as sent when the backend took it.
void stream::on_unsent(std::string_view bytes, int error) noexcept {
  loop_.counters().bytes_sent -= bytes.size();
  if (error != 0) return fail_writing(error, bytes.size());
  try {
    output().push_front(bytes);
  } catch (const std::bad_alloc&) {
    fail_writing(ENOMEM, bytes.size());
  }
}

// Staged bytes and the parts in one call; the remainder is copied.
void stream::write_through(const std::string_view* parts, std::size_t count) {
  settle();
  if (output_error_ != 0) {
    loop_.counters().bytes_dropped += size_of(parts, count);
    return;
  }
  if (output_) return queue_behind(parts, count, usual_priority);
  io_blocks& block = blocks();
  std::array<iovec, parts_per_call> pieces;
  const std::string_view staged(block.staged, std::exchange(block.staged_bytes, 0));
  std::size_t pieces_count = 0;
  if (!staged.empty()) pieces[pieces_count++] = part_of(staged);
  for (std::size_t i = 0; i < count && pieces_count < pieces.size(); ++i)
    pieces[pieces_count++] = part_of(parts[i]);

  std::size_t left = staged.size() + size_of(parts, count);
  const ssize_t result = io().write(*this, pieces.data(), static_cast<int>(pieces_count));
  if (result < 0 && result != -EAGAIN) return fail_writing(static_cast<int>(-result), left);
  const std::size_t sent = result < 0 ? 0 : static_cast<std::size_t>(result);
  note_sent(sent);
  left -= sent;
  if (left == 0) {
    block.staging = nullptr;
    return;
  }
  const std::size_t staged_sent = std::min(sent, staged.size());
  try {
    output().push(&staged, 1, usual_priority, staged_sent);
    left -= staged.size() - staged_sent;
    output().push(parts, count, usual_priority, sent - staged_sent);
  } catch (const std::bad_alloc&) {
    return fail_writing(ENOMEM, left);
  }
  write_queue();
}

void stream::on_staged(std::size_t bytes, ssize_t result) noexcept {
  if (result == 0 && bytes != 0 && !output_)
    result = io().write_soon(*this, {blocks().staged, bytes});
  if (bytes != 0 && result == static_cast<ssize_t>(bytes)) return note_sent(bytes);
  keep_staged(bytes, result);
}

// A write of the staged bytes gave `result`, or other output goes first.
void stream::keep_staged(std::size_t bytes, ssize_t result) noexcept {
  const std::string_view staged(blocks().staged, bytes);
  if (result < 0 && result != -EAGAIN)
    return fail_writing(static_cast<int>(-result), staged.size());
  const std::size_t sent = result < 0 ? 0 : static_cast<std::size_t>(result);
  note_sent(sent);
  settle();
  if (output_error_ != 0) {  // settle() has met it
    loop_.counters().bytes_dropped += bytes - sent;
    return;
  }
  if (!output_ && bytes == 0) return;
  try {
    output().push(&staged, 1, usual_priority, sent);
  } catch (const std::bad_alloc&) {
    return fail_writing(ENOMEM, staged.size() - sent);
  }
  write_queue();
}

void stream::on_writable() noexcept {
  if (output_) write_queue();
}

// Until the socket takes no more: what comes back as -EAGAIN makes the backend call on_writable()
// later. A socket that takes all without end is left for the next pass.
void stream::write_queue() noexcept {
  settle();
  if (!output_) return;
  if (stream_filter* const filtered = filter()) {
    const int failed = filtered->flush();
    if (failed == -EAGAIN) return;
    if (failed < 0) return fail_writing(-failed, 0);
  }
  for (int calls = 0; !output_->empty(); ++calls) {
    if (calls == calls_per_turn) {
      loop_.arm(*output_, loop_.now());
      break;
    }
    const ssize_t result = output_->file().count != 0 ? write_file_part() : write_parts();
    if (result == -EAGAIN) break;
    if (result < 0) return fail_writing(static_cast<int>(-result), 0);  // may end it all
  }
  after_writing();
}

ssize_t stream::write_parts() noexcept {
  std::array<iovec, parts_per_call> pieces;
  const int count = output_->gather(pieces.data(), parts_per_call);
  const std::span<const int> along = output_->descriptors();
  const ssize_t result =
      along.empty() ? write_out(pieces.data(), count) : write_with(pieces.front(), along);
  if (result <= 0) return result;
  output_->advance(static_cast<std::size_t>(result));
  note_sent(static_cast<std::size_t>(result));
  return result;
}

// Where the system cannot send from this file, or a filter has to see it, the bytes pass through
// memory.
ssize_t stream::write_file_part() noexcept {
  const output_queue::file_part part = output_->file();
  const auto most = static_cast<std::size_t>(std::min<std::uint64_t>(part.count, file_part_most));
  ssize_t result = -EOPNOTSUPP;
  if (filter() == nullptr)
    result = io().send_file(*this, part.file, static_cast<off_t>(part.offset), most);
  if (result == -EINVAL || result == -ENOSYS || result == -EOPNOTSUPP)
    result = copy_file_part(part, most);
  if (result == -EINTR) return 0;
  if (result > 0) {
    output_->advance_file(static_cast<std::uint64_t>(result));
    note_sent(static_cast<std::size_t>(result));
  } else if (result == 0) {
    loop_.counters().bytes_dropped += part.count;  // the file has become shorter meanwhile
    output_->drop_file();
  }
  return result;
}

ssize_t stream::copy_file_part(const output_queue::file_part& part, std::size_t most) noexcept {
  std::array<char, 16 * 1024> copy;
  const long count = os::read_at(part.file, copy.data(), std::min(most, copy.size()), part.offset);
  if (count <= 0) return count;
  const iovec piece{copy.data(), static_cast<std::size_t>(count)};
  return write_out(&piece, 1);
}

void stream::after_writing() noexcept {
  const bool done = all_written();
  if (done && end_ == own_end::wanted) end_output();
  if (output_->writer != nullptr && reached(output_->goal)) wake_writer();
  if (!done) return;
  // A writer waits for what is staged; through a filter everything goes by the queue.
  if (output_->writer == nullptr && filter() == nullptr) {
    output_.reset();
    note_plainness();
  }
  if (phase_ == phase::flushing) begin_linger();
}

bool stream::reached(output_goal goal) const noexcept {
  if (phase_ != phase::open || output_error_ != 0) return true;
  switch (goal) {
    case output_goal::low_mark:
      return queued_bytes() <= limits_->output_low_bytes;
    case output_goal::empty:
      return queued_bytes() == 0 && all_written();
    case output_goal::ended:
      return end_ == own_end::sent;
    case output_goal::refused:
    case output_goal::too_late:
      break;
  }
  return true;
}

void stream::wake_writer() noexcept {
  if (task_context* const task = std::exchange(output_->writer, nullptr)) loop_.make_ready(*task);
}

bool stream::begin_output_wait(output_goal& goal, std::coroutine_handle<> frame,
                               task_context& task) {
  if (phase_ != phase::open || output_error_ != 0) [[unlikely]]
    return defer(frame, task);
  if (end_ != own_end::none && goal == output_goal::low_mark) [[unlikely]] {
    goal = output_goal::too_late;
    return defer(frame, task);
  }
  if (goal == output_goal::low_mark) {
    if (queued_bytes() <= limits_->output_high_bytes) [[likely]] {
      return --loop_.budget == 0 && defer(frame, task);
    }
  } else {
    if (blocks().staging == this) loop_.flush_staged();
    settle();
    if (output_error_ != 0) return defer(frame, task);
    if (all_written() && (goal == output_goal::empty || end_ == own_end::sent))
      return --loop_.budget == 0 && defer(frame, task);
  }
  output_queue& queue = output();
  if (queue.writer != nullptr) return refuse_writer(goal, frame, task);
  queue.writer = &task;
  queue.goal = goal;
  task.suspend(frame, queue);
  return true;
}

// As refuse_reader().
bool stream::refuse_writer(output_goal& goal, std::coroutine_handle<> frame, task_context& task) {
  if (--loop_.budget != 0) throw_second_writer();
  goal = output_goal::refused;
  return defer(frame, task);
}

void stream::throw_second_writer() { throw connection_busy("send to " + peer_text(), "writer"); }

void stream::finish_output_wait(output_goal goal) {
  if (goal == output_goal::refused) throw_second_writer();
  if (phase_ != phase::open || output_error_ != 0) [[unlikely]]
    throw_closed("send to");
  if (goal == output_goal::too_late) throw_closed("send to");
  if (goal == output_goal::low_mark && queued_bytes() <= limits_->output_high_bytes) [[likely]]
    return;
  if (!output_ || reached(goal)) return;
  const task_context* const task = loop_.running();
  if (task != nullptr && task->cancel_state != cancel_reason::none) throw_cancelled(*task);
}

void stream::throw_closed(std::string_view tried) {
  std::error_code why = errc::closed_here;
  if (phase_ == phase::open && output_error_ != 0) why = system_code(output_error_);
  extras().failure_told = true;
  throw connection_closed(with_abort_reason(tried), peer_text(), std::string(input()), why);
}

// Nothing can be sent any more. Input goes on: what the peer sent before may still be read.
void stream::break_output(int error) noexcept {
  if (output_error_ == 0) output_error_ = static_cast<std::int16_t>(error);
  note_plainness();
  leave_stage();
  drop_output();
  if (phase_ == phase::flushing) finish_close(true);
}

void stream::drop_output() noexcept {
  if (!output_) return;
  loop_.counters().bytes_dropped += output_->bytes() + output_->file_bytes();
  wake_writer();
  output_.reset();
  note_plainness();
}

// The system tells an error once: of a reset that a write has met, a read will only be told that
// the input has ended. Where the system lacks something (ENOBUFS, ENOMEM, or a file that cannot be
// read) the connection is well, but our side of it has a gap: nobody goes on talking then.
void stream::fail_writing(int error, std::size_t lost_bytes) noexcept {
  loop_.counters().bytes_dropped += lost_bytes;
  if (is_reset(error) && !input_ended_) input_error_ = static_cast<std::int16_t>(error);
  if (!is_reset(error) && error != EPIPE) end_input(error);
  break_output(error);
}

void stream::queue_file(unique_fd file, std::uint64_t offset, std::uint64_t count) {
  if (!takes_output() || count == 0) return;
  unstage_into_queue();
  take_stage();
  output().push_file(std::move(file), offset, count, usual_priority);
  loop_.counters().bytes_queued += count;
}

void stream::queue_end() {
  if (phase_ != phase::open || end_ != own_end::none) return;
  if (blocks().staging == this) loop_.flush_staged();
  settle();
  end_ = own_end::wanted;
  note_plainness();
  if (output_error_ == 0 && all_written()) end_output();
}

bool queue_output(stream& to, const std::string_view* parts, std::size_t count, int level) {
  return to.queue(parts, count, level);
}
bool queue_output(stream& to, std::string_view part) { return to.queue(part); }
bool try_queue_output(stream& to, const std::string_view* parts, std::size_t count) {
  return to.try_queue(parts, count);
}
bool begin_output_wait(stream& to, output_goal& goal, std::coroutine_handle<> frame,
                       task_context& task) {
  return to.begin_output_wait(goal, frame, task);
}
void finish_output_wait(stream& to, output_goal goal) { to.finish_output_wait(goal); }

}  // namespace cetane::detail
