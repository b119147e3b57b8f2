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

constexpr std::size_t class_of(std::size_t bytes) {
  if (bytes <= fine_limit) return (bytes + 7) / 16;
  if (bytes <= medium_limit) return fine_classes + (bytes - fine_limit + 63) / 64 - 1;
  const std::size_t power = std::bit_ceil(bytes);
  return fine_classes + medium_classes + static_cast<std::size_t>(std::countr_zero(power)) - 11;
}
// The fine classes hold 16n + 8 bytes: malloc adds 8 of its own and rounds to 16, so nothing is
// lost.
constexpr std::size_t bytes_of(std::size_t size_class) {
  if (size_class < fine_classes) return size_class * 16 + 8;
  const std::size_t medium = size_class - fine_classes;
  if (medium < medium_classes) return fine_limit + (medium + 1) * 64;
  return std::size_t{2048} << (medium - medium_classes);
}
static_assert(class_of(8192) == class_count - 1 && bytes_of(class_count - 1) == 8192);
static_assert(bytes_of(class_of(513)) == 576 && bytes_of(class_of(1024)) == 1024);

struct free_block {
  free_block* next;
};

struct free_list {
  free_block* first = nullptr;
  std::uint32_t room = 0;  // so many more are kept; none as long as the pool is not open
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
    list.room = 0;
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
  for (std::size_t i = 0; i < class_count; ++i)
    pool.lists[i].room = static_cast<std::uint32_t>(kept_bytes_per_class / bytes_of(i));
  return true;
}

[[gnu::noinline, gnu::cold]] void* fresh_block(std::size_t size_class) {
  return ::operator new(bytes_of(size_class));
}

inline void* take_block(std::size_t size_class) {
  free_list& list = pool.lists[size_class];
  free_block* const block = list.first;
  if (block == nullptr) [[unlikely]]
    return fresh_block(size_class);
  list.first = block->next;
  ++list.room;
  return block;
}

[[gnu::noinline]] void* take_large_block(std::size_t bytes) {
  return bytes <= pooled_limit ? take_block(class_of(bytes)) : ::operator new(bytes);
}

inline void keep(void* block, free_list& in) noexcept {
  in.first = new (block) free_block{in.first};
  --in.room;
}

// The list is full, or the pool not open.
[[gnu::noinline, gnu::cold]] void give_back_besides(void* block, free_list& to) noexcept {
  if (pool.state != pool_state::alive && open_pool()) return keep(block, to);
  ::operator delete(block);
}

inline void give_back_block(void* block, std::size_t size_class) noexcept {
  free_list& list = pool.lists[size_class];
  if (list.room == 0) [[unlikely]]
    return give_back_besides(block, list);
  keep(block, list);
}

[[gnu::noinline]] void give_back_large_block(void* block, std::size_t bytes) noexcept {
  if (bytes <= pooled_limit) return give_back_block(block, class_of(bytes));
  ::operator delete(block);
}

}  // namespace

void* allocate_frame(std::size_t bytes) {
  void* const block = bytes <= fine_limit ? take_block(class_of(bytes)) : take_large_block(bytes);
  count(&ledger::frames, 1);
  return block;
}

void free_frame(void* block, std::size_t bytes) noexcept {
  count(&ledger::frames, -1);
  if (bytes > fine_limit) [[unlikely]]
    return give_back_large_block(block, bytes);
  give_back_block(block, class_of(bytes));
}
#else

void* allocate_frame(std::size_t bytes) {
  void* const block = ::operator new(bytes);
  count(&ledger::frames, 1);
  return block;
}

void free_frame(void* block, std::size_t) noexcept {
  count(&ledger::frames, -1);
  ::operator delete(block);
}
#endif

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
