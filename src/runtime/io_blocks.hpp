#pragma once

#include <runtime/backend.hpp>

#include <cetane/runtime/chunk.hpp>

#include <cstddef>
#include <memory>
#include <string_view>
#include <utility>

namespace cetane::detail {

/// Output of several that leaves together, at the end of the pass.
class late_output {
 public:
  virtual ~late_output() = default;
  virtual void leave() noexcept = 0;
};

/// The memory through which all bytes of a loop pass: one block that reads go into, one that
/// collects small output.
///
/// One block for all connections instead of one each keeps idle connections small and the block in
/// the cache.
/// - `input` belongs to `feeding` while that connection hands out what arrived, until nothing is
///   left or the running task suspends; the rest then moves to a window of the connection's own.
///   The chunk in `borrower` reads from it until that moment, and then gets memory of its own.
/// - `staged` holds what the running task has sent to `staging`. It leaves when the task suspends,
///   or when another connection wants the block.
struct io_blocks {
  static constexpr std::size_t input_bytes = 64 * 1024;
  static constexpr std::size_t staged_capacity = 32 * 1024;

  /// Notes what has arrived for `stream`, in the input block.
  void feed(stream_io& stream, char* data, std::size_t size) noexcept {
    feeding = &stream;
    feed_begin = data;
    feed_end = data + size;
  }

  /// What is left of it, for the one that is feeding.
  std::string_view rest() const noexcept {
    return {feed_begin, static_cast<std::size_t>(feed_end - feed_begin)};
  }

  /// Whether something is left of what has arrived for `stream`, and no chunk reads from the block.
  bool can_lend(const stream_io& stream) const noexcept {
    return feeding == &stream && borrower == nullptr;
  }

  /// Lends what is left of the bytes that arrived to a chunk.
  chunk lend_rest() noexcept {
    feeding = nullptr;
    return chunk(borrower, feed_begin, static_cast<std::size_t>(feed_end - feed_begin));
  }

  /// Takes some of what is left.
  void consume(std::size_t bytes) noexcept {
    feed_begin += bytes;
    if (feed_begin == feed_end) feeding = nullptr;
  }

  /// The stream wants nothing of it any more.
  void stop_feeding(const stream_io& stream) noexcept {
    if (feeding == &stream) feeding = nullptr;
  }

  /// Takes the input block back: the chunk that still reads from it gets a copy.
  void reclaim() noexcept;

  /// Whether somebody has a part of the input block.
  bool in_use() const noexcept { return feeding != nullptr || borrower != nullptr; }

  /// Takes all of it back for the next read.
  void take_back() noexcept;

  stream_io* feeding = nullptr;  // null, too, when nothing is left
  char* feed_begin = nullptr;    // what is left of the bytes that arrived
  char* feed_end = nullptr;
  chunk* borrower = nullptr;

  stream_io* staging = nullptr;
  std::size_t staged_bytes = 0;
  char* staged = own_stage;  // staged_capacity bytes; a backend may have them elsewhere

  std::unique_ptr<late_output> datagrams;  // made for the first socket
  late_output* late = nullptr;             // that, while there is something in it

  alignas(64) char input[input_bytes];
  alignas(64) char own_stage[staged_capacity];
};

}  // namespace cetane::detail
