#include <cetane/coro/frame_memory.hpp>

#include <base/ledger.hpp>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <iterator>
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

constinit thread_local free_list small_frames[small_frame_class(small_frame_limit) + 1];

#if CETANE_POOL_FRAMES
namespace {

constexpr std::size_t medium_limit = 1024;
constexpr std::size_t pooled_limit = 8192;
constexpr std::size_t small_classes = std::size(small_frames);  // class 0 holds the empty request
constexpr std::size_t medium_classes = (medium_limit - small_frame_limit) / 64;
constexpr std::size_t large_classes = 3;  // 2, 4 and 8 KiB
constexpr std::size_t class_count = small_classes + medium_classes + large_classes;
constexpr std::size_t kept_bytes_per_class = 64 * 1024;

constexpr std::size_t class_of(std::size_t bytes) {
  if (bytes <= small_frame_limit) return small_frame_class(bytes);
  if (bytes <= medium_limit) return small_classes + (bytes - small_frame_limit + 63) / 64 - 1;
  const std::size_t power = std::bit_ceil(bytes);
  return small_classes + medium_classes + static_cast<std::size_t>(std::countr_zero(power)) - 11;
}
// The small classes hold 16n + 8 bytes: malloc adds 8 of its own and rounds to 16, so nothing is
// lost.
constexpr std::size_t bytes_of(std::size_t size_class) {
  if (size_class < small_classes) return std::max(size_class * 16 + 8, sizeof(free_block));
  const std::size_t medium = size_class - small_classes;
  if (medium < medium_classes) return small_frame_limit + (medium + 1) * 64;
  return std::size_t{2048} << (medium - medium_classes);
}
static_assert(class_of(8192) == class_count - 1 && bytes_of(class_count - 1) == 8192);
static_assert(bytes_of(class_of(513)) == 576 && bytes_of(class_of(1024)) == 1024);

// Whether the thread's lists may still be used: a frame may be freed by a thread_local's destructor
// after them.
enum class pool_state : std::uint8_t { untouched, alive, unwanted, gone };

constinit thread_local free_list larger_frames[medium_classes + large_classes];
constinit thread_local pool_state pool = pool_state::untouched;

free_list& list_of(std::size_t size_class) noexcept {
  return size_class < small_classes ? small_frames[size_class]
                                    : larger_frames[size_class - small_classes];
}

void empty_pool() noexcept {
  for (std::size_t i = 0; i < class_count; ++i) {
    free_list& list = list_of(i);
    while (free_block* block = list.first) {
      list.first = block->next;
      ::operator delete(block);
    }
    list.most = 0;
  }
}

struct pool_cleaner {
  ~pool_cleaner() {
    pool = pool_state::gone;
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
  if (pool >= pool_state::unwanted || !wanted) return false;
  static thread_local pool_cleaner cleaner;
  (void)cleaner;
  pool = pool_state::alive;
  for (std::size_t i = 0; i < class_count; ++i)
    list_of(i).most = static_cast<std::uint32_t>(kept_bytes_per_class / bytes_of(i));
  return true;
}

void* take_block(std::size_t size_class) {
  free_list& list = list_of(size_class);
  free_block* const block = list.first;
  if (block == nullptr) return ::operator new(bytes_of(size_class));
  list.first = block->next;
  return block;
}

void give_back_block(void* block, free_list& list) noexcept {
  if (list.size() >= list.most && (pool == pool_state::alive || !open_pool()))
    return ::operator delete(block);
  list.push(block);
}

}  // namespace

void* find_frame(std::size_t bytes) {
  void* const block = bytes <= pooled_limit ? take_block(class_of(bytes)) : ::operator new(bytes);
  count(&ledger::frames, 1);
  return block;
}

void put_frame_away(void* block, std::size_t bytes) noexcept {
  count(&ledger::frames, -1);
  if (bytes > pooled_limit) return ::operator delete(block);
  give_back_block(block, list_of(class_of(bytes)));
}
#else

void* find_frame(std::size_t bytes) {
  void* const block = ::operator new(bytes);
  count(&ledger::frames, 1);
  return block;
}

void put_frame_away(void* block, std::size_t) noexcept {
  count(&ledger::frames, -1);
  ::operator delete(block);
}
#endif

#if CETANE_POOL_FRAMES
// The pool opens again at the first free, unless one of these lives outside of this one.
unpooled_frames::unpooled_frames() noexcept : outermost_(pool < pool_state::unwanted) {
  if (!outermost_) return;
  empty_pool();
  pool = pool_state::unwanted;
}
unpooled_frames::~unpooled_frames() {
  if (outermost_) pool = pool_state::untouched;
}
#else
unpooled_frames::unpooled_frames() noexcept = default;
unpooled_frames::~unpooled_frames() = default;
#endif

}  // namespace cetane::detail
