#pragma once

#include <cetane/socketserver/base_request_handler.hpp>
#include <cetane/socketserver/reader.hpp>
#include <cetane/socketserver/writer.hpp>

#include <optional>
#include <string>

namespace cetane::socketserver {

/// Handles a datagram with a file to read from and one to write the reply to.
class CETANE_API datagram_request_handler : public base_request_handler {
 public:
  ~datagram_request_handler() override;

  void setup() override;
  /// Sends one datagram: what was written, nothing included, even when handle() failed.
  void finish() override;

 protected:
  [[nodiscard]] const std::string& packet() const noexcept { return request().data(); }
  [[nodiscard]] blocking_socket& socket() const noexcept { return request().socket(); }
  [[nodiscard]] reader& rfile() noexcept { return *rfile_; }
  [[nodiscard]] writer& wfile() noexcept { return wfile_; }

 private:
  std::optional<reader> rfile_;
  writer wfile_;
};

}  // namespace cetane::socketserver
