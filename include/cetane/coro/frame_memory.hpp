#pragma once

#include <cetane/base/config.hpp>

#include <cstddef>

/// Memory for coroutine frames and task records.
///
/// Both come and go with every message, so they are taken from free lists that belong to the
/// thread: steps of 16 bytes up to 512, of 64 bytes up to 1 KiB, then 2, 4 and 8 KiB; what they do
/// not hold, and what is larger, comes from operator new. Each list keeps at most 64 KiB. A block
/// is an allocation of its own: it may be freed on another thread and then joins that thread's
/// list. Under AddressSanitizer and with CETANE_FRAME_POOL=off every block goes straight to
/// operator new, so that a use after free shows.
namespace cetane::detail {

/// Returns `bytes` of memory, aligned for any fundamental type. Throws std::bad_alloc.
[[nodiscard]] CETANE_API void* allocate_frame(std::size_t bytes);

/// Gives back what allocate_frame(bytes) returned; `bytes` is the size asked for then.
CETANE_API void free_frame(void* block, std::size_t bytes) noexcept;

/// As long as one lives, no block of this thread is kept for the next who asks: each comes from
/// operator new and goes back to operator delete. For tests that let allocations fail.
class CETANE_API unpooled_frames {
 public:
  unpooled_frames() noexcept;
  unpooled_frames(const unpooled_frames&) = delete;
  unpooled_frames& operator=(const unpooled_frames&) = delete;
  ~unpooled_frames();

 private:
  bool outermost_ = false;
};

/// Base of classes whose objects live in frame memory.
struct pooled {
  static void* operator new(std::size_t bytes) { return allocate_frame(bytes); }
  static void operator delete(void* block, std::size_t bytes) noexcept { free_frame(block, bytes); }
};

}  // namespace cetane::detail
