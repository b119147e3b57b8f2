#pragma once

#include <runtime/backend.hpp>

#include <cetane/runtime/chunk.hpp>

#include <cstddef>

namespace cetane::detail {

/// The memory through which all bytes of a loop pass: one block that reads go into, one that
/// collects small output.
///
/// One block for all connections instead of one each keeps idle connections small and the block in
/// the cache.
/// - `input` belongs to `feeding` while that connection hands out what arrived; what is left over
///   then moves to a window of its own. The chunk in `borrower` reads from it until the running
///   task suspends; then it gets memory of its own.
/// - `staged` holds what the running task has sent to `staging`. It leaves when the task suspends,
///   or when another connection wants the block.
struct io_blocks {
  static constexpr std::size_t input_bytes = 64 * 1024;
  static constexpr std::size_t staged_capacity = 32 * 1024;

  /// Lends bytes of the input block to a chunk.
  chunk lend(const char* data, std::size_t size) noexcept { return chunk(*this, data, size); }

  /// Takes the input block back: the chunk that still reads from it gets a copy.
  void reclaim() noexcept;

  stream_io* feeding = nullptr;
  char* feed_begin = nullptr;  // what is left of the bytes that arrived
  char* feed_end = nullptr;
  chunk* borrower = nullptr;

  stream_io* staging = nullptr;
  std::size_t staged_bytes = 0;

  alignas(64) char input[input_bytes];
  alignas(64) char staged[staged_capacity];
};

}  // namespace cetane::detail
