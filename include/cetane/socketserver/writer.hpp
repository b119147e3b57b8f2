#pragma once

#include <cetane/socketserver/blocking_socket.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace cetane::socketserver {

/// The output of a request, as a file. Blocks as the socket does, and throws what it throws.
class CETANE_API writer {
 public:
  /// Writes to a connection, at once, or when this many bytes have come together.
  writer(blocking_socket& to, std::size_t buffer_bytes)
      : target_(&to), buffer_bytes_(buffer_bytes) {}
  /// Collects a text.
  writer() = default;

  /// Writes all of it, and returns its length.
  std::size_t write(std::string_view text);
  /// Writes what has come together.
  void flush();
  /// What has come together.
  [[nodiscard]] const std::string& collected() const noexcept { return buffer_; }

  /// The connection's descriptor; -1 for a text.
  [[nodiscard]] int fileno() const noexcept { return target_ == nullptr ? -1 : target_->fileno(); }

 private:
  blocking_socket* target_ = nullptr;
  std::size_t buffer_bytes_ = 0;
  std::string buffer_;
};

}  // namespace cetane::socketserver
