#pragma once

#include <cstddef>
#include <string_view>

namespace cetane::detail {

/// The memory through which all bytes of a thread's TLS connections pass, one at a time: nothing
/// stays in it across two calls from a loop, so that idle connections keep none.
struct tls_blocks {
  static constexpr std::size_t plain_most = 64 * 1024;  // encrypted in one go
  // Never full: what a loop reads at once, 64 KiB, the record begun before it, and our answers.
  static constexpr std::size_t received_capacity = 80 * 1024;
  // What plain_most becomes, or one flight of a handshake, with a long certificate chain in it.
  static constexpr std::size_t sealed_capacity = 128 * 1024;

  char received[received_capacity];  // plain text on its way to the reader
  char gathered[plain_most];         // plain text of many parts, to be encrypted
  char sealed[sealed_capacity];      // records on their way to the peer
  std::size_t sealed_bytes = 0;

  std::string_view sealed_text() const noexcept { return {sealed, sealed_bytes}; }
};

/// Those of this thread, made at the first call; null without memory for them.
tls_blocks* blocks_of_thread() noexcept;

}  // namespace cetane::detail
