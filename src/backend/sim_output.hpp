#pragma once

#include <backend/sim_bytes.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include <sys/uio.h>

namespace cetane::detail {

/// How far the receiver of a direction has come, as it tells the sender.
struct sim_receipt {
  std::uint64_t arrived = 0;
  std::uint64_t read = 0;
  bool end_arrived = false;

  bool operator==(const sim_receipt&) const = default;
};

/// The sender's side of one direction: what its send buffer holds, and what it knows of the
/// receiver.
///
/// A byte is first unsent, then under way, and leaves the buffer when its arrival is acknowledged.
/// It is sent when the receiver has room for it, that is when all but `capacity` bytes before it
/// were read.
class sim_output {
 public:
  explicit sim_output(std::size_t capacity) noexcept : capacity_(capacity) {}

  /// Takes `most` bytes, for which there is room.
  std::size_t put(const iovec* parts, int count, std::size_t most) {
    const std::uint64_t before = written_;
    for (int i = 0; i < count; ++i) {
      const std::size_t length = std::min(parts[i].iov_len, most - (written_ - before));
      unsent_.put({static_cast<const char*>(parts[i].iov_base), length});
      written_ += length;
    }
    return written_ - before;
  }

  /// Nothing more will be put in.
  void end() noexcept { ended_ = true; }
  bool ended() const noexcept { return ended_; }

  /// How many bytes may be sent now.
  std::size_t sendable() const noexcept {
    return std::min<std::uint64_t>(unsent_.size(), receipt_.read + capacity_ - sent_);
  }
  std::string send(std::size_t most) {
    std::string bytes = unsent_.take(std::min(most, sendable()));
    sent_ += bytes.size();
    return bytes;
  }

  /// Says once, when all bytes are sent, that the end may be sent behind them.
  bool send_end() noexcept {
    if (!ended_ || end_sent_ || unsent_.size() > 0) return false;
    end_sent_ = true;
    return true;
  }
  bool end_sent() const noexcept { return end_sent_; }
  bool end_acknowledged() const noexcept { return receipt_.end_arrived; }

  void acknowledge(const sim_receipt& receipt) noexcept { receipt_ = receipt; }

  /// Bytes that the receiver has not acknowledged; the end counts as one, as in the kernel.
  std::size_t unacknowledged() const noexcept {
    return written_ - receipt_.arrived + (ended_ && !receipt_.end_arrived ? 1 : 0);
  }

  /// A third of the buffer is free: the kernel's measure for telling a writer that waits.
  bool roomy() const noexcept { return 3 * room() >= capacity_; }
  std::size_t room() const noexcept { return capacity_ - (written_ - receipt_.arrived); }

 private:
  std::size_t capacity_;
  sim_bytes unsent_;
  std::uint64_t written_ = 0;
  std::uint64_t sent_ = 0;
  bool ended_ = false;
  bool end_sent_ = false;
  sim_receipt receipt_;
};

}  // namespace cetane::detail
