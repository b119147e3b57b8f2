#pragma once

#include <net/stream_filter.hpp>
#include <tls/tls_session.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace cetane::detail {

/// A TLS session between a stream and its socket, from the end of the handshake on.
///
/// Records that the socket does not take wait here, never more than one write() has made and the
/// few answers of TLS itself; until they have left, write() takes nothing, so that the stream's
/// own limits hold.
class tls_filter final : public stream_filter {
 public:
  explicit tls_filter(std::unique_ptr<tls_session> session) noexcept
      : session_(std::move(session)) {}

  ssize_t write(const iovec* parts, int count) noexcept override;
  int flush() noexcept override;
  bool all_sent() const noexcept override { return sent_ == waiting_.size(); }
  void end_output() noexcept override;
  void on_data(char* data, std::size_t bytes) noexcept override;
  void on_end(int error) noexcept override;

  const tls_session& session() const noexcept { return *session_; }

 private:
  ssize_t seal(std::string_view plain) noexcept;
  void post() noexcept;
  void break_off(int error) noexcept;
  void note_failure() noexcept;

  std::unique_ptr<tls_session> session_;
  std::string waiting_;      // records that the socket has not taken
  std::size_t sent_ = 0;     // so many bytes of them it has
  int broken_ = 0;           // errno: a record is lost, nothing can follow it
  bool end_wanted_ = false;  // the socket's output ends once the last record has left
  bool ended_ = false;       // the peer has said that nothing more comes
};

}  // namespace cetane::detail
