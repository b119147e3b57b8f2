// The input of a stream on io_uring: what arrives, and the end.
//
// A receive stays until it is taken back: when the owner does not read, so that its peer has to
// wait, or when input is large. It takes a buffer for each message that comes, which is good for
// small ones: fifty of them come with one system call. Large input would wander through all buffers
// and find none of them in the cache. So a stream whose last input was large is polled for, and
// read from with system calls into the loop's block (see block_allowance) until it is empty. A
// stream that takes descriptors is always read from like this: a receive that stays would drop
// them.
#include <backend/io_uring_backend.hpp>

#include <runtime/io_blocks.hpp>

#include <cetane/runtime/event_loop.hpp>

#include <cerrno>

#include <poll.h>
#include <sys/socket.h>

namespace cetane::detail {
// The socket is empty when this is submitted: the kernel need not try.
void uring_backend::submit_receive(stream_io& stream, std::uint64_t tag) noexcept {
  const bool reads_itself = stream.bulky || stream.type == io_object::kind::passing;
  if (reads_itself) return submit_event(stream, tag, op_receive, POLLIN, false);
  io_uring_sqe& entry = ring_.next_submission();
  io_uring_prep_recv_multishot(&entry, stream.descriptor, nullptr, 0, 0);
  entry.flags |= IOSQE_BUFFER_SELECT;
  entry.buf_group = uring_buffers::group;
  entry.ioprio |= IORING_RECVSEND_POLL_FIRST;
  note_submitted(entry, stream, tag, op_receive);
}

void uring_backend::set_reading(stream_io& stream, bool on) noexcept {
  if (on == stream.reading) return;
  stream.reading = on;
  if (on || is_in_flight(stream, op_receive)) note_wanted(stream);
}

// The object may be gone when the call up returns, so everything is noted before it.
void uring_backend::deliver_input(stream_io& stream, completion done) noexcept {
  if (done.result > 0) [[likely]] {
    if (!done.has_buffer()) return note_unread(stream);
    if (stream.reading) change_receive(stream, done);
    return deliver_message(stream, done);
  }
  if (done.has_buffer()) buffers_.give_back(done.buffer());
  switch (done.result) {
    case -ENOBUFS:  // all were in use; now they are not, or there are more
      ++shortages_;
      buffers_.grow();
      return note_wanted(stream);
    case -EAGAIN:
    case -EINTR:
    case -ECANCELED:
      return note_wanted(stream);
    default:
      return deliver_end(stream, -done.result);
  }
}

// Large input is not for buffers, and a receive that has ended is followed by another one.
void uring_backend::change_receive(stream_io& stream, completion done) noexcept {
  stream.bulky = static_cast<unsigned>(done.result) >= large_input;
  if (done.is_last()) {
    stream.readable = (done.flags & IORING_CQE_F_SOCK_NONEMPTY) != 0;
    note_wanted(stream);
  } else {
    cancel(tag_of(done), op_receive);
  }
}

// A poll has ended: there is something, or the end.
void uring_backend::note_unread(stream_io& stream) noexcept {
  stream.readable = true;
  if (stream.reading) unread_.push_back(slots_.tag(stream.slot));
}

// Nobody wants it now. It must not be lost, and must not keep a buffer from others.
void uring_backend::hold(stream_io& stream, completion done) noexcept {
  bool kept = true;
  if (done.has_buffer() && done.result > 0) {
    kept = held_.keep(stream.descriptor, buffers_.at(done.buffer()),
                      static_cast<std::size_t>(done.result));
    stream.readable = true;
  }
  if (done.has_buffer()) buffers_.give_back(done.buffer());
  // Without memory the connection ends here: a gap in its bytes would go unnoticed.
  if (!kept) ::shutdown(stream.descriptor, SHUT_RDWR);
  const bool failed = done.result < 0 && done.result != -ECANCELED && done.result != -ENOBUFS &&
                      done.result != -EAGAIN && done.result != -EINTR;
  if (failed && held_.keep_end(stream.descriptor, -done.result)) stream.readable = true;
}

// Writers first, as the room that a broken connection has is theirs. False when the stream has
// gone, or is no longer watched.
bool uring_backend::told_of_hang_up(stream_io& stream, bool broken, int error) noexcept {
  const std::uint64_t tag = slots_.tag(stream.slot);
  if (broken && !stream.writable) {
    stream.writable = true;
    stream.on_writable();
    if (slots_.find(tag) != &stream) return false;
  }
  if (!stream.hung_up || error != 0) {
    stream.hung_up = true;
    stream.on_hang_up(error);
    if (slots_.find(tag) != &stream) return false;
  }
  return true;
}

// A receive that took in bytes and waits for more may wait for ever: the end came with them, and
// the kernel has told of both at once. So from now on it is read from with system calls.
void uring_backend::deliver_hang_up(stream_io& stream, int events) noexcept {
  if (!is_in_flight(stream, op_hang_up)) note_wanted(stream);
  if (events < 0) return;
  if (is_in_flight(stream, op_receive)) cancel(slots_.tag(stream.slot), op_receive);
  const bool failed = (events & POLLERR) != 0;
  const int error = failed && stream.failure == 0 ? ask_failure(stream) : 0;
  // The kernel may have told the receive, whose completion follows.
  const bool told = error != 0 && stream.failure == 0;
  if (told && is_in_flight(stream, op_receive)) return note_wanted(stream);
  told_of_hang_up(stream, failed || (events & POLLHUP) != 0, error);
}

void uring_backend::deliver_room(stream_io& stream, int events) noexcept {
  if (stream.writable) return;
  if (!is_in_flight(stream, op_room)) note_wanted(stream);
  if (events < 0 || (events & (POLLOUT | POLLERR | POLLHUP)) == 0) return;
  stream.writable = true;
  stream.on_writable();
}

// The kernel tells an error once, and now it has told it to us: who reads or writes next must hear
// it.
void uring_backend::deliver_end(stream_io& stream, int error) noexcept {
  if (error == 0) error = how_ended(stream);
  if (!told_of_hang_up(stream, error != 0, error)) return;
  if (!stream.reading) {
    if (error != 0 && held_.keep_end(stream.descriptor, error)) stream.readable = true;
    return;
  }
  stream.readable = false;
  stream.reading = false;
  stream.on_end(error);
}

void uring_backend::read(event_loop& loop, stream_io& stream) noexcept {
  if (held_.find(stream.descriptor) != nullptr) return read_held(stream);
  io_blocks& blocks = loop.blocks();
  if (stream.type == io_object::kind::passing) return read_passing(blocks, stream);
  const std::uint64_t tag = slots_.tag(stream.slot);
  for (int taken = 1; read_block(blocks, stream); ++taken) {
    const bool may_have_more = slots_.find(tag) == &stream && stream.readable;
    if (!may_have_more || !allowance_.grants_another(stream, taken)) return;
  }
}

// False when there was nothing, or the end.
bool uring_backend::read_block(io_blocks& blocks, stream_io& stream) noexcept {
  const long count = os::recv(stream.descriptor, blocks.input, io_blocks::input_bytes);
  if (count > 0) {
    stream.readable = static_cast<std::size_t>(count) == io_blocks::input_bytes;
    stream.bulky = static_cast<std::size_t>(count) >= large_input;
    note_wanted(stream);
    stream.on_data(blocks.input, static_cast<std::size_t>(count));
    return true;
  }
  if (count == -EAGAIN || count == -EINTR) {
    stream.readable = count == -EINTR;
    note_wanted(stream);
  } else {
    deliver_end(stream, static_cast<int>(-count));
  }
  return false;
}

void uring_backend::read_passing(io_blocks& blocks, stream_io& stream) noexcept {
  const long count = receive_with_descriptors(stream, blocks.input, io_blocks::input_bytes);
  if (count > 0) {
    const std::uint64_t tag = slots_.tag(stream.slot);
    stream.readable = true;
    note_wanted(stream);
    stream.on_data(blocks.input, static_cast<std::size_t>(count));
    if (slots_.find(tag) == &stream) stream.on_delivered();
  } else if (count == -EAGAIN || count == -EINTR) {
    stream.readable = count == -EINTR;
    note_wanted(stream);
  } else {
    deliver_end(stream, static_cast<int>(-count));
  }
}

void uring_backend::read_held(stream_io& stream) noexcept {
  uring_held_input::entry held = held_.take(stream.descriptor);
  if (held.bytes.empty()) return deliver_end(stream, held.error);
  stream.readable = held.ended && held_.keep_end(stream.descriptor, held.error);
  note_wanted(stream);
  stream.on_data(held.bytes.data(), held.bytes.size());
}

void uring_backend::read_leftovers(event_loop& loop) noexcept {
  for (std::size_t i = 0; i < unread_.size(); ++i) {
    auto* const stream = static_cast<stream_io*>(slots_.find(unread_[i]));
    if (stream != nullptr && stream->reading && stream->readable) read(loop, *stream);
  }
  unread_.clear();
}

}  // namespace cetane::detail
