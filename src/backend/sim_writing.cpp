#include "backend/sim_writing.hpp"

#include <base/spared_memory.hpp>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <utility>

namespace cetane::detail {

ssize_t sim_writing::write(stream_io& stream, const iovec* parts, int count) noexcept {
  assert(!stream.output_taken);
  if (!stream.writable) return -EAGAIN;
  const auto socket = network_.find_stream(stream.descriptor);
  if (socket == nullptr) return -EBADF;
  const ssize_t sent = socket->write(parts, count);
  if (sent == -EAGAIN) stream.writable = false;
  return sent;
}

// A call that is interrupted has written nothing: 0, as the kernel backends have it. Of other calls
// the core sees an interrupted accept and an interrupted wait. It never sees EINTR from a read or a
// larger write, which the kernel backends repeat, nor from a connect, which goes on by itself.
ssize_t sim_writing::write_soon(stream_io& stream, std::string_view bytes) noexcept {
  if (stream.output_taken) return -EAGAIN;
  if (is_late(stream)) {
    letters_.push_back({delivery_.tag_of(stream), std::string(bytes)});
    stream.output_taken = true;
    return static_cast<ssize_t>(bytes.size());
  }
  if (stream.writable && interruptions_.strikes(engine_, fault_kind::storms)) {
    engine_.meet(fault_kind::storms, "a write of {} bytes is interrupted", bytes.size());
    return 0;
  }
  const iovec part{const_cast<char*>(bytes.data()), bytes.size()};
  return write(stream, &part, 1);
}

bool sim_writing::is_late(const stream_io& stream) noexcept {
  const auto socket = network_.find_stream(stream.descriptor);
  if (socket == nullptr || !stream.writable) return false;
  if (!engine_.strikes(fault_kind::late_writes)) return false;
  engine_.meet(fault_kind::late_writes, "{} writes in the next poll", socket->name());
  return true;
}

sim_writing::letter* sim_writing::find(const stream_io& stream) noexcept {
  const std::uint64_t tag = delivery_.tag_of(stream);
  const auto found = std::find_if(letters_.begin(), letters_.end(), [&](const letter& one) {
    return one.to == tag && !one.text.empty();
  });
  return found == letters_.end() ? nullptr : &*found;
}

void sim_writing::send(stream_io& stream, letter& one) noexcept {
  if (one.error != 0) return;
  const bool held = std::exchange(stream.output_taken, false);
  const iovec part{one.text.data(), one.text.size()};
  const ssize_t sent = write(stream, &part, 1);
  stream.output_taken = held;
  if (sent > 0) one.text.erase(0, static_cast<std::size_t>(sent));
  if (sent < 0 && sent != -EAGAIN) one.error = static_cast<int>(-sent);
}

// What is left of it. A stream that gets something back is called when there is room.
backend::unsent sim_writing::give_back(stream_io& stream, letter& one) noexcept {
  stream.output_taken = false;
  given_back_ = std::exchange(one.text, {});
  if (given_back_.empty()) return {};
  if (one.error == 0) {
    stream.writable = false;
    network_.find_stream(stream.descriptor)->wait_for_room();
  }
  return {given_back_, one.error};
}

backend::unsent sim_writing::send_taken(stream_io& stream) noexcept {
  if (!stream.output_taken) return {};
  letter* const one = find(stream);
  if (one == nullptr) {
    stream.output_taken = false;
    return {};
  }
  send(stream, *one);
  return give_back(stream, *one);
}

// Nobody is called here: what is left, and why, is told in the next poll.
void sim_writing::flush() noexcept {
  for (letter& one : letters_) {
    auto* const stream = static_cast<stream_io*>(delivery_.find(one.to));
    if (stream == nullptr || one.text.empty()) continue;
    send(*stream, one);
    if (one.text.empty()) stream->output_taken = false;
  }
}

// What the calls write goes behind, and waits for the next poll.
bool sim_writing::send_late() noexcept {
  bool told = false;
  const std::size_t count = letters_.size();
  for (std::size_t i = 0; i < count; ++i) {
    auto* const stream = static_cast<stream_io*>(delivery_.find(letters_[i].to));
    if (stream == nullptr || letters_[i].text.empty()) continue;
    send(*stream, letters_[i]);
    const backend::unsent left = give_back(*stream, letters_[i]);
    if (left.bytes.empty()) continue;
    const std::string bytes(left.bytes);
    const demanded_memory program;
    stream->on_unsent(bytes, left.error);
    told = true;
  }
  letters_.erase(letters_.begin(), letters_.begin() + static_cast<std::ptrdiff_t>(count));
  return told;
}

}  // namespace cetane::detail
