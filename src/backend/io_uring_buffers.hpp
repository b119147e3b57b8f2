#pragma once

#include <liburing.h>

#include <cstddef>
#include <cstdint>

namespace cetane::detail {

/// The memory that the kernel receives into: buffers that lie in a ring until one is needed, so
/// that a connection that waits holds none.
///
/// They come back as soon as their bytes are handed out. There are few to begin with, since small
/// memory stays in the cache; when more are in use at once than there are, their number doubles.
class uring_buffers {
 public:
  /// Also the number of the group that receives name.
  static constexpr std::uint16_t group = 0;
  static constexpr std::size_t size = 64 * 1024;  // as much as epoll reads at once

  uring_buffers() noexcept = default;
  uring_buffers(const uring_buffers&) = delete;
  uring_buffers& operator=(const uring_buffers&) = delete;
  ~uring_buffers();

  /// 0, or a negative errno value.
  int make(io_uring& ring, unsigned first, unsigned most) noexcept;

  char* at(unsigned number) noexcept { return memory_ + number * stride; }

  void give_back(unsigned number) noexcept {
    io_uring_buf_ring_add(ring_, at(number), size, static_cast<std::uint16_t>(number), mask_, 0);
    io_uring_buf_ring_advance(ring_, 1);
  }

  /// The kernel found none. False when there are as many as there may be.
  bool grow() noexcept;
  unsigned count() const noexcept { return count_; }

 private:
  // Not a power of two: else the beginnings of all buffers would compete for the same cache lines.
  static constexpr std::size_t stride = size + 192;

  io_uring_buf_ring* ring_ = nullptr;
  char* memory_ = nullptr;
  unsigned count_ = 0;
  unsigned most_ = 0;
  int mask_ = 0;
};

}  // namespace cetane::detail
