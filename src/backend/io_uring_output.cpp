// The output of a stream on io_uring.
//
// What tasks send in a pass, a message here and a message there, is put into the outbox and leaves
// with the system call that waits: fifty answers cost as many calls as one. These sends never wait
// (MSG_DONTWAIT), so the kernel has done with the memory when the call returns. It answers only
// where a socket did not take all; the rest comes back to its stream. Large messages are sent at
// once, from the caller's memory: beside the copying of 16 KiB a system call is nothing.
#include <backend/io_uring_backend.hpp>

#include <os/file.hpp>
#include <os/passed_descriptors.hpp>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <utility>

#include <sys/socket.h>

namespace cetane::detail {
void uring_backend::no_room(stream_io& stream) noexcept {
  stream.writable = false;
  note_wanted(stream);
}

// Asked for by write() too: a receive that nobody waits for any more may have met the error.
int uring_backend::held_error(const stream_io& stream) noexcept {
  uring_held_input::entry* const held = held_.find(stream.descriptor);
  return held == nullptr ? 0 : std::exchange(held->error, 0);
}

ssize_t uring_backend::write(stream_io& stream, const iovec* parts, int count) noexcept {
  assert(!stream.output_taken);
  if (!stream.writable) return -EAGAIN;
  if (const int error = held_error(stream); error != 0) [[unlikely]]
    return -error;
  const ssize_t sent = send_parts(stream.descriptor, parts, count);
  if (sent == -EAGAIN) no_room(stream);
  return why_unwritten(stream, sent);
}

// Most of what a task sends was staged where the outbox has its room.
ssize_t uring_backend::write_soon(stream_io& stream, std::string_view bytes) noexcept {
  uring_outbox& box = *filling_;
  if (!stream.writable || stream.output_taken || bytes.data() != box.room() ||
      !box.takes(bytes.size()) || !held_.empty()) [[unlikely]] {
    return write_soon_besides(stream, bytes);
  }
  stream.output_taken = true;
  box.put(stream, bytes.size());
  blocks_->staged = box.room();
  return static_cast<ssize_t>(bytes.size());
}

ssize_t uring_backend::write_soon_besides(stream_io& stream, std::string_view bytes) noexcept {
  if (stream.output_taken) return -EAGAIN;
  if (!filling_->takes(bytes.size()) || !stream.writable || !held_.empty()) {
    const iovec part{const_cast<char*>(bytes.data()), bytes.size()};
    return write(stream, &part, 1);
  }
  char* const room = filling_->room();
  bytes.copy(room, bytes.size());
  return write_soon(stream, {room, bytes.size()});
}

// WAITALL makes what is sent in part a failure, and only failures are answered.
void uring_backend::submit_letters() noexcept {
  std::span<uring_outbox::letter> letters = filling_->take_unsent();
  while (!letters.empty()) {
    std::uint64_t number = filling_->number_of(letters.front());
    const std::size_t count = std::min<std::size_t>(letters.size(), ring_.room());
    for (const uring_outbox::letter& each : letters.first(count)) {
      const std::uint64_t answer = label(number++, op_send);
      if (each.from == nullptr) continue;
      each.from->output_taken = false;
      const std::string_view text = uring_outbox::text(each);
      io_uring_sqe& entry = ring_.free_submission();
      io_uring_prep_send(&entry, each.from->descriptor, text.data(), text.size(),
                         MSG_DONTWAIT | MSG_NOSIGNAL | MSG_WAITALL);
      entry.flags = IOSQE_CQE_SKIP_SUCCESS;
      entry.user_data = answer;
    }
    letters = letters.subspan(count);
  }
}

// All letters have left, save those that were answered: their streams still wait, since what comes
// next from them must not go first.
void uring_backend::letters_have_left() noexcept {
  while (ring_.unsubmitted() != 0 || ring_.has_overflown()) [[unlikely]] {
      while (ring_.ready() != 0) put_aside(ring_.take());
      ring_.look();
    }
  for (std::size_t i = aside_next_; i < aside_.size(); ++i) note_unsent(aside_[i].label);
  ring_.for_each_ready([this](const io_uring_cqe& each) { note_unsent(each.user_data); });
  std::swap(filling_, sending_);
  filling_->clear();
  assert(blocks_->staged_bytes == 0);
  blocks_->staged = filling_->room();
}

// What is left of a text of which `sent` bytes have left, or which the socket refused.
backend::unsent uring_backend::unsent_part(stream_io& stream, std::string_view text,
                                           long sent) noexcept {
  if (sent == static_cast<long>(text.size())) [[likely]]
    return {};
  if (sent < 0 && sent != -EAGAIN && sent != -EINTR) return {text, static_cast<int>(-sent)};
  no_room(stream);
  return {text.substr(static_cast<std::size_t>(std::max(0L, sent))), 0};
}

void uring_backend::deliver_sent(completion done) noexcept {
  uring_outbox::letter& letter = sending_->at(tag_of(done));
  stream_io* const stream = std::exchange(letter.from, nullptr);
  if (stream == nullptr) return;
  stream->output_taken = false;
  const unsent left = unsent_part(*stream, uring_outbox::text(letter), done.result);
  stream->on_unsent(left.bytes, left.error);
}

backend::unsent uring_backend::send_taken(stream_io& stream) noexcept {
  if (!stream.output_taken) return {};
  stream.output_taken = false;
  uring_outbox* box = filling_.get();
  uring_outbox::letter* letter = box->find(stream);
  if (letter == nullptr) {
    box = sending_.get();
    letter = box->find(stream);
  }
  if (letter == nullptr) return {};
  letter->from = nullptr;
  const std::string_view text = uring_outbox::text(*letter);
  if (box == filling_.get() && box->is_unsent(*letter)) {
    const iovec part{const_cast<char*>(text.data()), text.size()};
    return unsent_part(stream, text, send_parts(stream.descriptor, &part, 1));
  }
  completion done;
  if (!take_answer(label(box->number_of(*letter), op_send), done)) return {};
  return unsent_part(stream, text, done.result);
}

// Not with the ring: the loop may have gone to another thread, or to its end.
void uring_backend::flush() noexcept {
  for (uring_outbox::letter& letter : filling_->take_unsent()) {
    if (letter.from == nullptr) continue;
    const std::string_view text = uring_outbox::text(letter);
    long sent = os::send(letter.from->descriptor, text.data(), text.size());
    if (sent == static_cast<long>(text.size())) {
      std::exchange(letter.from, nullptr)->output_taken = false;
      continue;
    }
    // As if the kernel had answered, in the next poll.
    aside_.push_back({label(filling_->number_of(letter), op_send), static_cast<int>(sent), 0});
  }
}

ssize_t uring_backend::write_with(stream_io& stream, std::string_view bytes,
                                  std::span<const int> descriptors) noexcept {
  assert(!stream.output_taken);
  if (!stream.writable) return -EAGAIN;
  if (const int error = held_error(stream); error != 0) return -error;
  const ssize_t sent = os::send_with_descriptors(stream.descriptor, bytes, descriptors);
  if (sent == -EAGAIN) no_room(stream);
  return why_unwritten(stream, sent);
}

ssize_t uring_backend::send_file(stream_io& stream, int file, off_t offset,
                                 std::size_t count) noexcept {
  if (!stream.writable) return -EAGAIN;
  auto position = static_cast<std::uint64_t>(offset);
  const long sent = os::send_file(stream.descriptor, file, position, count);
  if (sent == -EAGAIN) no_room(stream);
  return sent;
}

}  // namespace cetane::detail
