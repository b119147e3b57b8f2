#pragma once

#include <cetane/coro/frame_memory.hpp>
#include <cetane/coro/task_context.hpp>
#include <cetane/net/send_op.hpp>
#include <cetane/os/unique_fd.hpp>

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace cetane::detail {

/// Output that the socket did not take at once; it exists only while something waits.
///
/// Segments stand in the order of sending: by priority, first come, first served within one. A segment that has begun to leave
/// is finished first. Small messages of one priority share a segment.
class output_queue final : public waitable, public pooled {
 public:
  explicit output_queue(stream& owner) noexcept : owner_(owner) {}
  ~output_queue();

  bool empty() const noexcept { return first_ == nullptr; }

  /// Bytes in memory that wait; a file's do not count.
  std::size_t bytes() const noexcept { return bytes_; }

  /// Appends a copy of `bytes` behind everything of its priority and above. Takes all or throws std::bad_alloc.
  void push(std::string_view bytes, int level);

  /// As push(), for a part of a file.
  void push_file(unique_fd file, std::uint64_t offset, std::uint64_t count, int level);

  /// The first segments in memory, `most` at most; 0 when a file is first.
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

  // Who waits for the output to leave.
  task_context* writer = nullptr;
  output_goal goal = output_goal::low_mark;

  void cancel_wait(task_context& task) noexcept override;
  std::string describe_wait() const override;

 private:
  struct segment;

  segment* make_segment(std::size_t capacity, int level);
  void insert(segment& added) noexcept;
  static void destroy(segment* old) noexcept;
  void pop() noexcept;

  stream& owner_;
  segment* first_ = nullptr;
  std::size_t bytes_ = 0;
};

}  // namespace cetane::detail
