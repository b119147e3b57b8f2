#pragma once

#include <runtime/backend.hpp>
#include <runtime/io_blocks.hpp>

#include <array>
#include <cstddef>
#include <span>
#include <string_view>
#include <utility>

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

  struct letter {
    stream_io* from = nullptr;  // null: nothing is left of it
    char* text = nullptr;       // up to that of the next one
  };

  uring_outbox() noexcept { clear(); }
  uring_outbox(const uring_outbox&) = delete;
  uring_outbox& operator=(const uring_outbox&) = delete;

  bool empty() const noexcept { return end_ == letters_.data(); }
  letter& at(std::size_t number) noexcept { return letters_[number]; }
  std::size_t number_of(const letter& which) const noexcept {
    return static_cast<std::size_t>(&which - letters_.data());
  }
  static std::string_view text(const letter& of) noexcept {
    return {of.text, static_cast<std::size_t>((&of + 1)->text - of.text)};
  }

  /// Whether it takes one more letter of that size.
  bool takes(std::size_t bytes) const noexcept {
    return end_ != last() && room() + bytes <= memory_ + most_bytes;
  }
  /// Where its text has to lie; there is room for a stage.
  char* room() const noexcept { return end_->text; }
  /// Takes what lies there.
  void put(stream_io& from, std::size_t bytes) noexcept {
    char* const begin = room();
    end_->from = &from;
    ++end_;
    end_->text = begin + bytes;
  }
  /// The letter from a stream, of which there is one at most.
  letter* find(const stream_io& from) noexcept {
    for (letter* each = end_; each != letters_.data();) {
      if ((--each)->from == &from) return each;
    }
    return nullptr;
  }

  /// The letters that nobody has tried to send yet; all have been from now on.
  std::span<letter> take_unsent() noexcept { return {std::exchange(unsent_, end_), end_}; }
  bool is_unsent(const letter& which) const noexcept { return &which >= unsent_; }

  void clear() noexcept {
    unsent_ = end_ = letters_.data();
    end_->text = memory_;
  }

 private:
  const letter* last() const noexcept { return letters_.data() + most_letters; }

  letter* unsent_;
  letter* end_;  // where the next one comes; its text begins where there is room
  std::array<letter, most_letters + 1> letters_;
  char memory_[most_bytes + io_blocks::staged_capacity];
};

}  // namespace cetane::detail
