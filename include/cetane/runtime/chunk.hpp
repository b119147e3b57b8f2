#pragma once

#include <cetane/base/config.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace cetane {

namespace detail {
struct io_blocks;
}

/// Bytes that were received: move-only, and read as a std::string_view.
///
/// A chunk owns its bytes and stays valid for as long as it is kept, at the price of its own size.
/// Until the task that received it suspends, they are still where the loop has read them, and
/// nothing was copied. A chunk belongs to its loop's thread; own() makes it fit to leave.
class CETANE_API chunk {
 public:
  chunk() noexcept = default;
  explicit chunk(std::string_view bytes);
  chunk(chunk&& other) noexcept { take(other); }
  chunk& operator=(chunk&& other) noexcept {
    if (this != &other) {
      drop();
      take(other);
    }
    return *this;
  }
  ~chunk() { drop(); }

  /// The bytes; valid until the chunk is moved or destroyed, or the task suspends.
  /// @throws std::bad_alloc  There was no memory to keep them when the task suspended.
  std::string_view view() const {
    if (data_ == nullptr && size_ != 0) [[unlikely]]
      throw_lost();
    return {data_, size_};
  }
  operator std::string_view() const { return view(); }
  explicit operator std::string() const { return std::string(view()); }

  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }

  /// Copies the bytes into memory of the chunk's own now, instead of when the task suspends.
  void own();

 private:
  friend detail::io_blocks;

  chunk(chunk*& borrower, const char* data, std::size_t size) noexcept
      : data_(data), size_(size), borrower_(&borrower) {
    borrower = this;
  }

  void take(chunk& other) noexcept {
    data_ = std::exchange(other.data_, nullptr);
    size_ = std::exchange(other.size_, 0);
    borrower_ = std::exchange(other.borrower_, nullptr);
    if (borrower_ != nullptr) *borrower_ = this;
  }
  void drop() noexcept {
    if (borrower_ != nullptr) {
      *borrower_ = nullptr;
    } else if (data_ != nullptr) {
      free_bytes();
    }
  }
  void free_bytes() noexcept;
  [[noreturn]] static void throw_lost();

  const char* data_ = nullptr;
  std::size_t size_ = 0;
  chunk** borrower_ =
      nullptr;  // the loop's note on who reads its input block, if the bytes are there
};

}  // namespace cetane
