#include <cetane/runtime/chunk.hpp>

#include <runtime/io_blocks.hpp>

#include <cetane/coro/frame_memory.hpp>

#include <cstring>
#include <new>
#include <utility>

namespace cetane {
namespace {

const char* copy_of(std::string_view bytes) {
  auto* const copy = static_cast<char*>(detail::allocate_frame(bytes.size()));
  std::memcpy(copy, bytes.data(), bytes.size());
  return copy;
}

}  // namespace

chunk::chunk(std::string_view bytes) {
  if (bytes.empty()) return;
  data_ = copy_of(bytes);
  size_ = bytes.size();
}

void chunk::own() {
  if (borrower_ == nullptr) return;
  data_ = copy_of({data_, size_});
  *borrower_ = nullptr;
  borrower_ = nullptr;
}

void chunk::free_bytes() noexcept { detail::free_frame(const_cast<char*>(data_), size_); }

void chunk::throw_lost() { throw std::bad_alloc(); }

namespace detail {

// There may be no memory for the copy. Nothing can throw here, between two tasks: the chunk tells
// whoever reads it.
void io_blocks::reclaim() noexcept {
  chunk& holder = *borrower;
  try {
    holder.own();
  } catch (const std::bad_alloc&) {
    holder.data_ = nullptr;
    holder.borrower_ = nullptr;
    borrower = nullptr;
  }
}

void io_blocks::take_back() noexcept {
  if (borrower != nullptr) reclaim();
  if (stream_io* const left_by = std::exchange(feeding, nullptr)) left_by->on_unread(rest());
}

}  // namespace detail
}  // namespace cetane
