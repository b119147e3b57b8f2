#pragma once

#include <runtime/backend.hpp>
#include <runtime/io_blocks.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace cetane::detail {

/// Copies of what streams send in the course of a pass, until all of it goes to the kernel with one
/// system call.
///
/// There are two boxes: one is filled while the answers to the other are looked through. A letter
/// is known by its number; the kernel is never told of the stream.
class uring_outbox {
 public:
  static constexpr std::size_t most_letters = 512;
  static constexpr std::size_t most_bytes = 64 * 1024;
  static constexpr std::size_t largest_letter = 8 * 1024;

  struct letter {
    stream_io* from = nullptr;  // null: nothing is left of it
    std::uint32_t begin = 0;
    unsigned submission = 0;  // its number, see uring
  };

  bool empty() const noexcept { return count_ == 0; }
  std::size_t count() const noexcept { return count_; }
  letter& at(std::size_t number) noexcept { return letters_[number]; }
  std::size_t number_of(const letter& which) const noexcept {
    return static_cast<std::size_t>(&which - letters_.data());
  }
  std::string_view text(const letter& of) const noexcept {
    const bool is_last = &of + 1 == letters_.data() + count_;
    const char* const end = is_last ? room_ : memory_ + (&of + 1)->begin;
    return {memory_ + of.begin, static_cast<std::size_t>(end - (memory_ + of.begin))};
  }

  /// Whether it takes one more letter.
  bool has_room() const noexcept {
    return count_ < most_letters && room_ <= memory_ + (most_bytes - largest_letter);
  }
  /// Where its text has to lie.
  char* room() const noexcept { return room_; }
  /// Takes what lies there. Gives its number.
  std::size_t put(stream_io& from, std::size_t bytes, unsigned submission) noexcept {
    letters_[count_] = {&from, static_cast<std::uint32_t>(room_ - memory_), submission};
    room_ += bytes;
    return count_++;
  }
  /// The letter from a stream, of which there is one at most.
  letter* find(const stream_io& from) noexcept {
    for (std::size_t i = count_; i > 0; --i) {
      if (letters_[i - 1].from == &from) return &letters_[i - 1];
    }
    return nullptr;
  }
  void clear() noexcept {
    count_ = 0;
    room_ = memory_;
  }

  letter* begin() noexcept { return letters_.data(); }
  letter* end() noexcept { return letters_.data() + count_; }

 private:
  std::size_t count_ = 0;
  char* room_ = memory_;
  std::array<letter, most_letters> letters_;
  char memory_[most_bytes + io_blocks::staged_capacity];
};

}  // namespace cetane::detail
