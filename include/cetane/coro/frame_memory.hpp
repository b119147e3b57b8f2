#pragma once

#include <cetane/base/config.hpp>

#include <cstddef>
#include <cstdint>
#include <new>

/// Memory for coroutine frames and task records.
///
/// Both come and go with every message, so they are taken from free lists that belong to the
/// thread: steps of 16 bytes up to 512, of 64 bytes up to 1 KiB, then 2, 4 and 8 KiB; what they do
/// not hold, and what is larger, comes from operator new. Each list keeps at most 64 KiB. A block
/// is an allocation of its own: it may be freed on another thread and then joins that thread's
/// list. Under AddressSanitizer and with CETANE_FRAME_POOL=off every block goes straight to
/// operator new, so that a use after free shows.
namespace cetane::detail {

struct free_block {
  free_block* next;
  std::uint32_t count;  // of this one and all behind it
};
struct free_list {
  std::uint32_t size() const noexcept { return first != nullptr ? first->count : 0; }
  void push(void* block) noexcept { first = ::new (block) free_block{first, size() + 1}; }

  free_block* first = nullptr;
  std::uint32_t most = 0;  // so many are kept; none as long as the pool is not open
};

inline constexpr std::size_t small_frame_limit = 512;
constexpr std::size_t small_frame_class(std::size_t bytes) { return (bytes + 7) / 16; }

/// The thread's free blocks of up to 512 bytes. Here so that a task takes and leaves its memory
/// without a call.
CETANE_API extern constinit thread_local free_list
    small_frames[small_frame_class(small_frame_limit) + 1];

/// What allocate_frame() and free_frame() do when it is not as simple as that.
[[nodiscard]] CETANE_API void* find_frame(std::size_t bytes);
CETANE_API void put_frame_away(void* block, std::size_t bytes) noexcept;

/// Returns `bytes` of memory, aligned for any fundamental type. Throws std::bad_alloc.
[[nodiscard]] inline void* allocate_frame(std::size_t bytes) {
#ifdef NDEBUG  // else each is counted
  if (bytes <= small_frame_limit) {
    free_list& list = small_frames[small_frame_class(bytes)];
    if (free_block* const block = list.first) [[likely]] {
      list.first = block->next;
      return block;
    }
  }
#endif
  return find_frame(bytes);
}

/// Gives back what allocate_frame(bytes) returned; `bytes` is the size asked for then.
inline void free_frame(void* block, std::size_t bytes) noexcept {
#ifdef NDEBUG
  if (bytes <= small_frame_limit) {
    free_list& list = small_frames[small_frame_class(bytes)];
    if (list.size() < list.most) [[likely]]
      return list.push(block);
  }
#endif
  put_frame_away(block, bytes);
}

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
