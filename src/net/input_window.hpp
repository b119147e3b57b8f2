#pragma once

#include <cetane/coro/frame_memory.hpp>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <new>
#include <string>
#include <string_view>

namespace cetane::detail {

/// Input that nobody has read yet: one contiguous piece of memory, which exists only while there is
/// some.
///
/// Contiguous, because a line or a message must come out in one piece anyway, and a search across
/// pieces costs more than the occasional move. It grows by doubling; consumed space in front is
/// used again before it grows.
class input_window : public pooled {
 public:
  input_window() = default;
  input_window(const input_window&) = delete;
  input_window& operator=(const input_window&) = delete;
  ~input_window() {
    if (data_ != nullptr) free_frame(data_, capacity_);
  }

  std::string_view view() const noexcept { return {data_ + begin_, end_ - begin_}; }
  bool empty() const noexcept { return begin_ == end_; }
  std::size_t size() const noexcept { return end_ - begin_; }

  void consume(std::size_t bytes) noexcept {
    begin_ += bytes;
    searched_ -= std::min(searched_, bytes);
  }

  /// Notes that `mark` does not end within the first `bytes` of what is here; forgets any other.
  /// Without memory for the mark nothing is noted.
  void note_searched(std::string_view mark, std::size_t bytes) noexcept {
    searched_ = 0;
    try {
      searched_for_.assign(mark);
      searched_ = bytes;
    } catch (const std::bad_alloc&) {
      searched_for_.clear();
    }
  }

  /// How much has been searched for `mark` in vain.
  std::size_t searched_for(std::string_view mark) const noexcept {
    return searched_for_ == mark ? searched_ : 0;
  }

  /// Takes a copy of `bytes`. `expected` is the size that is likely to be needed in the end.
  void append(std::string_view bytes, std::size_t expected = 0) {
    if (capacity_ - end_ < bytes.size()) make_room(bytes.size(), expected);
    std::memcpy(data_ + end_, bytes.data(), bytes.size());
    end_ += bytes.size();
  }

 private:
  static constexpr std::size_t smallest = 248;  // fits a size class of the frame memory exactly

  void make_room(std::size_t bytes, std::size_t expected) {
    const std::size_t kept = size();
    const std::size_t needed = kept + bytes;
    if (needed <= capacity_ / 2) {  // worth a move: at least half of it is consumed space
      std::memmove(data_, data_ + begin_, kept);
    } else {
      const std::size_t wanted = std::max({smallest, 2 * needed, expected});
      auto* const larger = static_cast<char*>(allocate_frame(wanted));
      if (kept != 0) std::memcpy(larger, data_ + begin_, kept);
      if (data_ != nullptr) free_frame(data_, capacity_);
      data_ = larger;
      capacity_ = wanted;
    }
    begin_ = 0;
    end_ = kept;
  }

  char* data_ = nullptr;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::size_t capacity_ = 0;
  std::size_t searched_ = 0;  // so much from begin_ on was searched for `searched_for_`
  std::string searched_for_;
};

}  // namespace cetane::detail
