#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

namespace cetane::detail {

/// Copies of what streams send in the course of a pass, until all of it goes to the kernel with one
/// system call.
///
/// There are two boxes: one is filled while the kernel works on the other. A letter is known by its
/// number; the kernel is never told of the stream.
class uring_outbox {
 public:
  static constexpr std::size_t most_letters = 512;
  static constexpr std::size_t most_bytes = 64 * 1024;

  struct letter {
    std::uint64_t to = 0;  // the stream's tag
    std::uint32_t begin = 0;
    std::uint32_t size = 0;  // 0: nothing is left of it
    int error = 0;           // the socket refused it
  };

  bool empty() const noexcept { return count_ == 0; }
  std::size_t count() const noexcept { return count_; }
  letter& at(std::size_t number) noexcept { return letters_[number]; }
  std::string_view text(const letter& of) const noexcept { return {memory_ + of.begin, of.size}; }

  bool has_room(std::size_t bytes) const noexcept {
    return count_ < most_letters && bytes <= most_bytes - used_;
  }
  void put(std::uint64_t to, std::string_view text) noexcept {
    letters_[count_++] = {to, static_cast<std::uint32_t>(used_),
                          static_cast<std::uint32_t>(text.size()), 0};
    text.copy(memory_ + used_, text.size());
    used_ += text.size();
  }
  /// The letter to a stream, of which there is one at most.
  letter* find(std::uint64_t to) noexcept {
    for (std::size_t i = count_; i > 0; --i) {
      if (letters_[i - 1].to == to && letters_[i - 1].size != 0) return &letters_[i - 1];
    }
    return nullptr;
  }
  void clear() noexcept { count_ = used_ = 0; }

 private:
  std::size_t count_ = 0;
  std::size_t used_ = 0;
  std::array<letter, most_letters> letters_;
  char memory_[most_bytes];
};

}  // namespace cetane::detail
