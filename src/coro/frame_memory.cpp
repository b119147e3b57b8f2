#include <cetane/coro/frame_memory.hpp>

#include <base/ledger.hpp>

#include <array>
#include <bit>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>

#if defined(__SANITIZE_ADDRESS__)
#define CETANE_POOL_FRAMES 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CETANE_POOL_FRAMES 0
#endif
#endif
#ifndef CETANE_POOL_FRAMES
#define CETANE_POOL_FRAMES 1
#endif

namespace cetane::detail {
#if CETANE_POOL_FRAMES
namespace {

constexpr std::size_t fine_limit = 512;
constexpr std::size_t medium_limit = 1024;
constexpr std::size_t pooled_limit = 8192;
constexpr std::size_t fine_classes = fine_limit / 16 + 1;  // class 0 holds the empty request
constexpr std::size_t medium_classes = (medium_limit - fine_limit) / 64;
constexpr std::size_t large_classes = 3;  // 2, 4 and 8 KiB
constexpr std::size_t class_count = fine_classes + medium_classes + large_classes;
constexpr std::size_t kept_bytes_per_class = 64 * 1024;

struct size_class {
  std::size_t index;
  std::size_t bytes;
};

// The fine classes hold 16n + 8 bytes: malloc adds 8 of its own and rounds to 16, so nothing is
// lost.
constexpr size_class class_of(std::size_t bytes) {
  if (bytes <= fine_limit) {
    const std::size_t steps = (bytes + 7) / 16;
    return {steps, steps * 16 + 8};
  }
  if (bytes <= medium_limit) {
    const std::size_t steps = (bytes - fine_limit + 63) / 64;
    return {fine_classes + steps - 1, fine_limit + steps * 64};
  }
  const std::size_t power = std::bit_ceil(bytes);
  return {fine_classes + medium_classes + static_cast<std::size_t>(std::countr_zero(power)) - 11,
          power};
}
static_assert(class_of(8192).index == class_count - 1);
static_assert(class_of(513).bytes == 576 && class_of(1024).bytes == 1024);

struct free_block {
  free_block* next;
};

struct free_list {
  free_block* first = nullptr;
  std::uint32_t kept = 0;
};

// Whether the thread's lists may still be used: a frame may be freed by a thread_local's destructor
// after them.
enum class pool_state : std::uint8_t { untouched, alive, unwanted, gone };

struct frame_pool {
  std::array<free_list, class_count> lists{};
  pool_state state = pool_state::untouched;
};

constinit thread_local frame_pool pool;

void empty_pool() noexcept {
  for (free_list& list : pool.lists) {
    while (free_block* block = list.first) {
      list.first = block->next;
      ::operator delete(block);
    }
    list.kept = 0;
  }
}

struct pool_cleaner {
  ~pool_cleaner() {
    pool.state = pool_state::gone;
    empty_pool();
  }
};

bool pooling_wanted() {
  const char* choice = std::getenv("CETANE_FRAME_POOL");
  return choice == nullptr || std::strcmp(choice, "off") != 0;
}

// A thread_local with a destructor costs a guard on each use, so only the first free on a thread
// touches this one.
[[gnu::noinline, gnu::cold]] bool open_pool() {
  static const bool wanted = pooling_wanted();
  if (pool.state >= pool_state::unwanted || !wanted) return false;
  static thread_local pool_cleaner cleaner;
  (void)cleaner;
  pool.state = pool_state::alive;
  return true;
}

[[gnu::noinline]] void* fresh_block(std::size_t bytes) { return ::operator new(bytes); }

}  // namespace
#endif

namespace {

inline void* take_block(std::size_t bytes) {
#if CETANE_POOL_FRAMES
  if (bytes > pooled_limit) [[unlikely]]
    return ::operator new(bytes);
  const size_class wanted = class_of(bytes);
  free_list& list = pool.lists[wanted.index];
  if (free_block* block = list.first) {
    list.first = block->next;
    --list.kept;
    return block;
  }
  return fresh_block(wanted.bytes);
#else
  return ::operator new(bytes);
#endif
}

inline void give_back_block(void* block, std::size_t bytes) noexcept {
#if CETANE_POOL_FRAMES
  if (bytes > pooled_limit) [[unlikely]]
    return ::operator delete(block);
  const size_class size = class_of(bytes);
  free_list& list = pool.lists[size.index];
  const bool usable = pool.state == pool_state::alive || open_pool();
  if (!usable || (list.kept + 1) * size.bytes > kept_bytes_per_class) {
    return ::operator delete(block);
  }
  list.first = new (block) free_block{list.first};
  ++list.kept;
#else
  ::operator delete(block);
  (void)bytes;
#endif
}

}  // namespace

void* allocate_frame(std::size_t bytes) {
  void* const block = take_block(bytes);
  count(&ledger::frames, 1);
  return block;
}

void free_frame(void* block, std::size_t bytes) noexcept {
  count(&ledger::frames, -1);
  give_back_block(block, bytes);
}

#if CETANE_POOL_FRAMES
// The pool opens again at the first free, unless one of these lives outside of this one.
unpooled_frames::unpooled_frames() noexcept : outermost_(pool.state < pool_state::unwanted) {
  if (!outermost_) return;
  empty_pool();
  pool.state = pool_state::unwanted;
}
unpooled_frames::~unpooled_frames() {
  if (outermost_) pool.state = pool_state::untouched;
}
#else
unpooled_frames::unpooled_frames() noexcept = default;
unpooled_frames::~unpooled_frames() = default;
#endif

}  // namespace cetane::detail
