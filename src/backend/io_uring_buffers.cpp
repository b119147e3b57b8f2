#include <backend/io_uring_buffers.hpp>

#include <algorithm>
#include <cerrno>

#include <sys/mman.h>

namespace cetane::detail {
namespace {

// Memory of its own pages, which the system provides when they are touched. A child of fork() has
// no part in it.
void* map(std::size_t bytes) noexcept {
  void* const memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) return nullptr;
  ::madvise(memory, bytes, MADV_DONTFORK);
  return memory;
}

}  // namespace

int uring_buffers::make(io_uring& ring, unsigned first, unsigned most) noexcept {
  most_ = most;
  mask_ = static_cast<int>(most) - 1;
  memory_ = static_cast<char*>(map(most * stride));
  ring_ = static_cast<io_uring_buf_ring*>(map(most * sizeof(io_uring_buf)));
  if (memory_ == nullptr || ring_ == nullptr) return -ENOMEM;
  io_uring_buf_ring_init(ring_);
  io_uring_buf_reg registration{};
  registration.ring_addr = reinterpret_cast<std::uintptr_t>(ring_);
  registration.ring_entries = most;
  registration.bgid = group;
  if (const int failed = io_uring_register_buf_ring(&ring, &registration, 0); failed < 0)
    return failed;
  while (count_ < std::min(first, most)) give_back(count_++);
  return 0;
}

// Not before the ring has gone: until then the kernel may write.
uring_buffers::~uring_buffers() {
  if (ring_ != nullptr) ::munmap(ring_, most_ * sizeof(io_uring_buf));
  if (memory_ != nullptr) ::munmap(memory_, most_ * stride);
}

bool uring_buffers::grow() noexcept {
  const unsigned wanted = std::min(2 * count_, most_);
  if (wanted == count_) return false;
  while (count_ < wanted) give_back(count_++);
  return true;
}

}  // namespace cetane::detail
