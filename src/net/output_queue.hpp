#pragma once

#include <net/kept_descriptors.hpp>

#include <cetane/coro/frame_memory.hpp>
#include <cetane/coro/task_context.hpp>
#include <cetane/net/send_op.hpp>
#include <cetane/os/unique_fd.hpp>
#include <cetane/runtime/timer.hpp>

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

namespace cetane::detail {

/// Output that the socket did not take at once; it exists only while something waits.
///
/// Segments stand in the order of sending: by priority, first come, first served within one. A
/// message is in one segment, and one that has begun to leave is finished first, so no message ever
/// stands in another. Small messages of one priority share a segment.
///
/// The timer takes up the writing again that was broken off for the others' sake.
class output_queue final : public waitable, public timer, public pooled {
 public:
  explicit output_queue(stream& owner) noexcept : owner_(owner) {}
  ~output_queue();

  bool empty() const noexcept { return first_ == nullptr; }

  /// Bytes in memory that wait, and those in files.
  std::size_t bytes() const noexcept { return bytes_; }
  std::uint64_t file_bytes() const noexcept { return file_bytes_; }

  /// Puts a copy of a message behind everything of its priority and above. Takes all or throws
  /// std::bad_alloc.
  ///
  /// @param gone  How many bytes of it have left already; then nothing else waits.
  void push(const std::string_view* parts, std::size_t count, int level, std::size_t gone = 0);

  /// Puts a copy of what was under way already before everything else.
  void push_front(std::string_view bytes);

  /// As push(), for a part of a file.
  void push_file(unique_fd file, std::uint64_t offset, std::uint64_t count, int level);

  /// As push(), for a message that takes descriptors along. It shares its segment with no other.
  void push_with(std::unique_ptr<kept_descriptors> along, std::string_view bytes, int level);

  /// The first segments in memory, `most` at most; 0 when a file is first. None that takes
  /// descriptors along, or one such alone.
  int gather(iovec* parts, int most) const noexcept;

  /// Notes that `count` bytes were written.
  void advance(std::size_t count) noexcept;

  struct file_part {
    int file;
    std::uint64_t offset;
    std::uint64_t count;
  };
  /// The file that is first in line; count 0 if there is none.
  file_part file() const noexcept;
  void advance_file(std::uint64_t count) noexcept;
  void drop_file() noexcept;

  /// What the first segment takes along; nothing once its first byte is gone.
  std::span<const int> descriptors() const noexcept;
  void drop_descriptors() noexcept;

  // Who waits for the output to leave.
  task_context* writer = nullptr;
  output_goal goal = output_goal::low_mark;

  void cancel_wait(task_context& task) noexcept override;
  std::string describe_wait() const override;

 private:
  struct segment;

  void on_timer() noexcept override;

  segment* make_segment(std::size_t capacity, int level);
  segment& room_for(std::size_t bytes, int level);
  void insert(segment& added) noexcept;
  static void destroy(segment* old) noexcept;
  void pop() noexcept;

  stream& owner_;
  segment* first_ = nullptr;
  segment* last_ = nullptr;
  std::size_t bytes_ = 0;
  std::uint64_t file_bytes_ = 0;
};

}  // namespace cetane::detail
