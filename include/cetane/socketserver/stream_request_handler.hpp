#pragma once

#include <cetane/socketserver/base_request_handler.hpp>
#include <cetane/socketserver/reader.hpp>
#include <cetane/socketserver/writer.hpp>

#include <optional>

namespace cetane::socketserver {

/// Handles a connection with a file to read from and one to write to.
class CETANE_API stream_request_handler : public base_request_handler {
 public:
  ~stream_request_handler() override;

  void setup() override;
  /// Sends what waits in the output, unless the peer has gone.
  void finish() override;

 protected:
  // Set these in the constructor.
  int rbufsize = -1;                ///< bytes read at once; -1 is 8 KiB, 0 reads no further
  int wbufsize = 0;                 ///< bytes that come together before they are sent; -1 is 8 KiB
  std::optional<duration> timeout;  ///< how long a read or a write may wait
  bool disable_nagle_algorithm = false;

  [[nodiscard]] blocking_socket& connection() const noexcept { return request().socket(); }
  [[nodiscard]] reader& rfile() noexcept { return *rfile_; }
  [[nodiscard]] writer& wfile() noexcept { return *wfile_; }

 private:
  std::optional<reader> rfile_;
  std::optional<writer> wfile_;
};

}  // namespace cetane::socketserver
