#pragma once

#include <cetane/base/config.hpp>
#include <cetane/net/connection.hpp>

#include <sys/types.h>
#include <sys/uio.h>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace cetane::detail {

class stream;

/// Stands between a stream and its socket, and changes the bytes on their way: TLS does.
///
/// A stream that has one hands to it what it would write to the socket, and the filter gets what
/// the backend delivers. Its stream keeps an output queue all the time, so that nothing is staged
/// and all output goes the one way through write(). Both live equally long. All calls are made on
/// the loop's thread; those of the first group come from the stream, those of the second go to it.
class CETANE_API stream_filter {
 public:
  stream_filter() noexcept = default;
  stream_filter(const stream_filter&) = delete;
  stream_filter& operator=(const stream_filter&) = delete;
  virtual ~stream_filter();

  /// As backend::write(): takes bytes, and on_writable() of the stream follows an -EAGAIN. What is
  /// taken may wait here: see all_sent().
  virtual ssize_t write(const iovec* parts, int count) noexcept = 0;

  /// There is room: sends what waits here. 0 when nothing does any more, -EAGAIN, or why not.
  virtual int flush() noexcept = 0;
  virtual bool all_sent() const noexcept = 0;

  /// The stream's output has ended, and all of it was taken.
  virtual void end_output() noexcept = 0;

  /// As stream_io::on_data() and on_end().
  virtual void on_data(char* data, std::size_t bytes) noexcept = 0;
  virtual void on_end(int error) noexcept = 0;

 protected:
  /// Writes to the socket, as backend::write().
  ssize_t write_out(const char* data, std::size_t bytes) noexcept;
  /// Ends the socket's output.
  void shut_down() noexcept;
  /// The peer has taken something.
  void note_progress() noexcept;

  /// Hands bytes to whoever reads. False when that has destroyed this object.
  [[nodiscard]] bool deliver(char* data, std::size_t bytes) noexcept;

  /// Ends the input, as stream_io::on_end(). May destroy this object.
  void deliver_end(int error) noexcept;

  /// Whether the input is for anybody: that of a connection which is closing is read to be dropped.
  bool is_open() const noexcept;

  /// Notes why the connection broke: whoever meets an error of it is told so.
  void note_reason(std::string_view why) noexcept;

 private:
  friend stream;

  stream* stream_ = nullptr;
};

/// Puts a filter into a connection on which nothing waits to be sent: see connection::drain(). It
/// gets `early`, which was read too much, and what has arrived and was not read.
CETANE_API void put_filter(connection& into, std::unique_ptr<stream_filter> filter,
                           std::string early = {});

/// The filter of a connection, if it has one.
CETANE_API stream_filter* filter_of(const connection& of) noexcept;

}  // namespace cetane::detail
