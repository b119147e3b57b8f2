#pragma once

#include <cetane/base/limits.hpp>
#include <cetane/socketserver/blocking_socket.hpp>

#include <cstddef>
#include <string>

namespace cetane::socketserver {

/// The input of a request, as a file: lines, counts, or all of it. Blocks as the socket does, and
/// throws what it throws.
class CETANE_API reader {
 public:
  /// Reads from a connection, this many bytes at once; 0 takes nothing that was not asked for.
  reader(blocking_socket& from, std::size_t buffer_bytes)
      : source_(&from), buffer_bytes_(buffer_bytes) {}
  /// Reads a text that is there already.
  explicit reader(std::string text) : buffer_(std::move(text)) {}

  /// The next line with its end, "\n"; what is left when the input ends without one; empty at the
  /// end.
  ///
  /// @throws message_too_long  More than `limit` bytes came without a line end; they stay for other
  /// reads.
  [[nodiscard]] std::string read_line(std::size_t limit = default_line_limit);

  /// `count` bytes, fewer only at the end of the input.
  ///
  /// @throws message_too_long  `count` is above 16 MiB.
  [[nodiscard]] std::string read(std::size_t count);

  /// Everything up to the end of the input.
  ///
  /// @throws message_too_long  There is more than `limit` bytes; what was read stays for other
  /// reads.
  [[nodiscard]] std::string read_all(std::size_t limit = default_until_eof_limit);

 private:
  bool fill(std::size_t wanted);
  std::string take(std::size_t count);
  std::size_t waiting() const noexcept { return buffer_.size() - begin_; }

  blocking_socket* source_ = nullptr;
  std::size_t buffer_bytes_ = 0;
  std::string buffer_;
  std::size_t begin_ = 0;  // of what nobody has read
};

}  // namespace cetane::socketserver
