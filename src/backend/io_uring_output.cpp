// The output of a stream on io_uring.
//
// What tasks send in a pass, a message here and a message there, is put into the outbox and leaves
// with the system call that waits: fifty answers cost as many calls as one. These sends never wait
// (MSG_DONTWAIT), so the kernel has done with the memory when the call returns, and what a socket
// did not take comes back to its stream. Large messages are sent at once, from the caller's memory:
// beside the copying of 16 KiB a system call is nothing.
#include <backend/io_uring_backend.hpp>

#include <os/file.hpp>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <utility>

#include <sys/socket.h>

namespace cetane::detail {
namespace {

constexpr std::size_t largest_letter = 8 * 1024;

}  // namespace

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

ssize_t uring_backend::write_soon(stream_io& stream, std::string_view bytes) noexcept {
  if (stream.output_taken) [[unlikely]]
    return -EAGAIN;
  if (bytes.size() > largest_letter || !filling_->has_room(bytes.size()) || !stream.writable ||
      !held_.empty()) [[unlikely]] {
    const iovec part{const_cast<char*>(bytes.data()), bytes.size()};
    return write(stream, &part, 1);
  }
  filling_->put(slots_.tag(stream.slot), bytes);
  stream.output_taken = true;
  return static_cast<ssize_t>(bytes.size());
}

// True when somebody was told that his letter cannot be sent.
bool uring_backend::submit_letters() noexcept {
  if (filling_->empty()) return false;
  while (letters_in_flight_ != 0) {  // the kernel had no room for the answers
    deliver_sent(wait_for(label(0, op_send), operation_mask));
  }
  std::swap(filling_, sending_);
  filling_->clear();
  bool told = false;
  for (std::size_t i = 0; i < sending_->count(); ++i) {
    uring_outbox::letter& letter = sending_->at(i);
    auto* const stream = static_cast<stream_io*>(slots_.find(letter.to));
    if (stream == nullptr || letter.size == 0) continue;
    const std::string_view text = sending_->text(letter);
    if (letter.error != 0) {
      stream->output_taken = false;
      stream->on_unsent(text, letter.error);
      told = true;
      continue;
    }
    io_uring_sqe& entry = ring_.next_submission();
    io_uring_prep_send(&entry, stream->descriptor, text.data(), text.size(),
                       MSG_DONTWAIT | MSG_NOSIGNAL);
    entry.user_data = label(i, op_send);
    ++letters_in_flight_;
    ++in_flight_;
  }
  return told;
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

void uring_backend::deliver_sent(const completion& done) noexcept {
  --letters_in_flight_;
  --in_flight_;
  uring_outbox::letter& letter = sending_->at(tag_of(done));
  auto* const stream = static_cast<stream_io*>(slots_.find(letter.to));
  if (stream == nullptr) return;
  stream->output_taken = false;
  if (done.result == static_cast<int>(letter.size)) [[likely]]
    return;
  const unsent left = unsent_part(*stream, sending_->text(letter), done.result);
  stream->on_unsent(left.bytes, left.error);
}

backend::unsent uring_backend::send_taken(stream_io& stream) noexcept {
  if (!stream.output_taken) return {};
  stream.output_taken = false;
  const std::uint64_t tag = slots_.tag(stream.slot);
  if (uring_outbox::letter* const letter = filling_->find(tag)) {
    const std::string_view text = filling_->text(*letter);
    letter->size = 0;
    if (letter->error != 0) return {text, letter->error};
    const iovec part{const_cast<char*>(text.data()), text.size()};
    return unsent_part(stream, text, send_parts(stream.descriptor, &part, 1));
  }
  // The kernel has it: the answer is there, or comes.
  uring_outbox::letter* const letter = sending_->find(tag);
  if (letter == nullptr || !on_own_thread()) return {};
  const auto number = static_cast<std::uint64_t>(letter - &sending_->at(0));
  const completion done = wait_for(label(number, op_send));
  --letters_in_flight_;
  --in_flight_;
  return unsent_part(stream, sending_->text(*letter), done.result);
}

void uring_backend::flush() noexcept {
  for (std::size_t i = 0; i < filling_->count(); ++i) {
    uring_outbox::letter& letter = filling_->at(i);
    auto* const stream = static_cast<stream_io*>(slots_.find(letter.to));
    if (stream == nullptr || letter.size == 0 || letter.error != 0) continue;
    const std::string_view text = filling_->text(letter);
    const long sent = os::send(stream->descriptor, text.data(), text.size());
    if (sent < 0) {
      if (sent != -EAGAIN && sent != -EINTR) letter.error = static_cast<int>(-sent);
      continue;
    }
    letter.begin += static_cast<std::uint32_t>(sent);
    letter.size -= static_cast<std::uint32_t>(sent);
    if (letter.size == 0) stream->output_taken = false;
  }
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
