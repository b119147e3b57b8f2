#pragma once

#include <cetane/base/clock.hpp>
#include <cetane/base/config.hpp>
#include <cetane/base/limits.hpp>
#include <cetane/net/closed_op.hpp>
#include <cetane/net/read_op.hpp>
#include <cetane/net/send_op.hpp>
#include <cetane/os/address.hpp>
#include <cetane/os/peer_credentials.hpp>
#include <cetane/os/unique_fd.hpp>

#include <fmt/format.h>

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace cetane {

/// Where a message stands among those that wait to be sent: higher first, in order of sending
/// within one; 5 by default.
class priority {
 public:
  explicit constexpr priority(int level) noexcept : level_(level) {}
  constexpr int level() const noexcept { return level_; }

 private:
  int level_;
};

namespace detail {

inline constexpr int usual_priority = 5;

/// Queues all parts; says whether the sender may go on without waiting.
CETANE_API bool queue_output(stream& to, const std::string_view* parts, std::size_t count,
                             int level);
CETANE_API bool queue_output(stream& to, std::string_view part);
CETANE_API bool try_queue_output(stream& to, const std::string_view* parts, std::size_t count);

// Text and bytes of any kind; a number has no bytes of its own.
template <class Part>
std::string_view bytes_of(const Part& part) {
  static_assert(!std::is_arithmetic_v<Part>,
                "send takes text and bytes; to send a number write print(\"{}\", number)");
  static_assert(
      std::is_arithmetic_v<Part> || std::is_convertible_v<const Part&, std::string_view> ||
          requires {
            { part.data() } -> std::convertible_to<const void*>;
            part.size();
          },
      "send takes text, a chunk, or a contiguous range of bytes");
  if constexpr (std::is_convertible_v<const Part&, std::string_view>) {
    return part;
  } else if constexpr (!std::is_arithmetic_v<Part>) {
    static_assert(sizeof(*part.data()) == 1,
                  "send takes ranges of bytes; of larger elements the byte order is unknown");
    return {reinterpret_cast<const char*>(part.data()), part.size()};
  } else {
    return {};
  }
}

}  // namespace detail

/// A stream connection: TCP or a Unix socket.
///
/// A handler gets a reference that is valid until it has ended; connect() gives a connection that
/// the caller owns. One task may read and one may write at a time. Whoever owns a connection and
/// destroys it closes it as close() does.
class CETANE_API connection {
 public:
  connection() noexcept = default;
  explicit connection(detail::stream& stream) noexcept : stream_(&stream) {}
  connection(connection&& other) noexcept : stream_(std::exchange(other.stream_, nullptr)) {}
  connection& operator=(connection&& other) noexcept {
    connection taken(std::move(other));
    std::swap(stream_, taken.stream_);
    return *this;
  }
  ~connection();

  /// Reads up to and including the next line end: LF, with a CR before it as part of the end.
  ///
  /// Suspends until a whole line has arrived.
  /// @param limit  Longest line accepted, in bytes, line end included.
  /// @return The line with its line end as it came.
  /// @throws connection_closed  The peer closed first; leftover() has what had arrived.
  /// @throws message_too_long   The limit is passed; the rest of the line is dropped as it arrives,
  ///                            the next read begins after it.
  /// @throws connection_busy    Another task reads from this connection.
  /// @par Cancellation  Nothing is consumed.
  read_op<std::string> until_eol(std::size_t limit) { return until_eol(line_end::any, limit); }
  read_op<std::string> until_eol() { return until_eol(line_end::any); }

  /// As until_eol(limit); with line_end::crlf a bare LF does not end the line.
  read_op<std::string> until_eol(line_end end, std::size_t limit);
  read_op<std::string> until_eol(line_end end);

  /// Reads up to and including `mark`, which must outlive the await and must not be empty.
  /// Otherwise as until_eol().
  ///
  /// @throws std::invalid_argument  The mark is empty.
  read_op<std::string> until(std::string_view mark, std::size_t limit);
  read_op<std::string> until(std::string_view mark);

  /// Reads exactly `n` bytes. Zero bytes are there at once.
  ///
  /// @throws connection_closed  The peer closed first; leftover() has what had arrived.
  /// @throws message_too_long   `n` is over the limit (16 MiB); nothing is consumed.
  /// @par Cancellation  Nothing is consumed.
  read_op<std::string> receive(std::size_t n);

  /// Reads what is there, one byte at least: suspends only while nothing is.
  ///
  /// @throws connection_closed  The peer closed, and everything was read.
  /// @par Cancellation  Nothing is consumed.
  read_op<chunk> receive_some() { return read_op<chunk>(stream()); }

  /// Reads everything until the peer closes.
  ///
  /// @throws message_too_long   More than `limit` bytes came; they stay for other reads.
  /// @throws connection_closed  The connection broke before its end; leftover() has what had
  ///                            arrived.
  /// @par Cancellation  Nothing is consumed.
  read_op<std::string> until_eof(std::size_t limit);
  read_op<std::string> until_eof();

  /// Reads a line as until_eol(), without its line end; empty at the end of the input. A last line
  /// without an end counts.
  ///
  /// @throws connection_closed  The connection broke.
  /// @throws message_too_long   As for until_eol().
  /// @par Cancellation  Nothing is consumed.
  read_op<std::optional<std::string>> next_line(std::size_t limit);
  read_op<std::optional<std::string>> next_line();

  /// Reads what is there, as receive_some(); empty at the end of the input.
  ///
  /// @throws connection_closed  The connection broke.
  read_op<std::optional<chunk>> next_chunk() { return read_op<std::optional<chunk>>(stream()); }

  /// Sends text and bytes, in order: queued at the call, so the parts may die right after it.
  ///
  /// Awaiting suspends only while more than the high mark (64 KiB) waits to be sent, until the low
  /// mark (16 KiB) does. What a task sends while it runs leaves together when it suspends.
  /// @throws connection_closed  (from the await) The connection is closed or broken; the bytes are
  ///                            dropped.
  /// @throws connection_busy    (from the await) Another task waits to send.
  /// @par Cancellation  Takes nothing back.
  template <class... Parts>
  requires(sizeof...(Parts) > 0) send_op send(const Parts&... parts) {
    detail::stream& to = stream();
    if constexpr (sizeof...(Parts) == 1) {
      return send_op(to, detail::queue_output(to, detail::bytes_of(parts)...));
    } else {
      const std::array<std::string_view, sizeof...(Parts)> views{detail::bytes_of(parts)...};
      return send_op(to,
                     detail::queue_output(to, views.data(), views.size(), detail::usual_priority));
    }
  }

  /// Sends ahead of everything queued with a lower priority, but never in the middle of a message
  /// that has begun to leave.
  template <class... Parts>
  requires(sizeof...(Parts) > 0) send_op send(priority level, const Parts&... parts) {
    const std::array<std::string_view, sizeof...(Parts)> views{detail::bytes_of(parts)...};
    detail::stream& to = stream();
    return send_op(to, detail::queue_output(to, views.data(), views.size(), level.level()));
  }

  /// Formats with fmt and sends.
  template <class... Args>
  send_op print(fmt::format_string<Args...> format, Args&&... args) {
    fmt::memory_buffer text;
    fmt::format_to(std::back_inserter(text), format, std::forward<Args>(args)...);
    return send(std::string_view(text.data(), text.size()));
  }

  /// Queues all of the parts, or nothing: false when that would pass the output limit (256 KiB), or
  /// the connection is closed.
  ///
  /// Never waits, so it may stand in a catch block or a destructor.
  template <class... Parts>
  requires(sizeof...(Parts) > 0) bool try_send(const Parts&... parts) {
    const std::array<std::string_view, sizeof...(Parts)> views{detail::bytes_of(parts)...};
    return detail::try_queue_output(stream(), views.data(), views.size());
  }

  /// For send_file(): all bytes to the end of the file.
  static constexpr std::uint64_t whole_file = std::numeric_limits<std::uint64_t>::max();

  /// Sends `count` bytes of a file from `offset` on, or all to its end; the await ends when they
  /// are written.
  ///
  /// The descriptor is duplicated and may be closed after the call. A file that becomes shorter
  /// meanwhile is sent as far as it goes; one that cannot be read any more breaks the connection.
  /// @throws error              (from the call) The file cannot be opened or is no regular file.
  /// @throws connection_closed  (from the await) As for send().
  /// @par Cancellation  Takes nothing back.
  send_op send_file(const std::string& path, std::uint64_t offset = 0,
                    std::uint64_t count = whole_file);
  send_op send_file(int descriptor, std::uint64_t offset = 0, std::uint64_t count = whole_file);

  /// Sends bytes with copies of open descriptors, over a Unix socket: the peer can use what they
  /// stand for as if it had opened it (SCM_RIGHTS, unix(7)). After everything sent before; the
  /// await ends when all is written.
  ///
  /// Say in the bytes how many there are: the peer sees no more than a line of descriptors beside
  /// its bytes. They are duplicated, and may be closed after the call. Sent without descriptors the
  /// bytes go alone.
  /// @throws std::logic_error       (from the call) It is no Unix socket, goes over TLS, or the
  ///                                network is simulated.
  /// @throws std::invalid_argument  (from the call) No bytes, or more than 253 descriptors.
  /// @throws error                  (from the call) One is not open, or there may be no more.
  /// @throws connection_closed      (from the await) As for send(). Also where the system does not
  ///                                pass them: too many are under way, or of a kind that it keeps.
  /// @par Cancellation  Takes nothing back.
  send_op send_descriptors(std::span<const int> descriptors, std::string_view bytes);
  send_op send_descriptor(int descriptor, std::string_view bytes);

  /// Takes the oldest `count` descriptors that the peer has sent, in the order of sending. Never
  /// waits: they are here when the first byte of the message that they were sent with was read.
  ///
  /// A connection takes descriptors if its limits have let it from its start
  /// (connection_limits::passed_descriptors; 0 by default, when the kernel closes what is sent).
  /// As many may wait to be taken; from a peer that sends more the input ends with an error. While
  /// some wait, nothing is read ahead. They are closed on exec, and those that nobody takes with
  /// the connection.
  /// @throws error              Fewer have come: the peer does not keep to what was agreed.
  /// @throws std::logic_error   It is no Unix socket, goes over TLS, takes no descriptors, or the
  ///                            network is simulated.
  /// @throws connection_closed  The connection is closed on this side.
  std::vector<unique_fd> take_descriptors(std::size_t count);
  unique_fd take_descriptor();

  /// How many could be taken.
  std::size_t waiting_descriptors() const;

  /// Waits until everything sent has been written to the socket.
  ///
  /// @throws connection_closed  The connection is closed or broken; the bytes are dropped.
  /// @throws connection_busy    Another task waits to send.
  send_op drain() { return send_op(stream(), detail::output_goal::empty); }

  /// Ends our side once everything sent is written; reading goes on. The await ends when that is
  /// done.
  send_op send_eof();

  /// Waits until the peer has left, also while input waits unread. Any number of tasks may wait.
  ///
  /// @throws connection_closed  The connection is closed on this side.
  closed_op closed() { return closed_op(stream()); }

  /// Closes: sends what is queued as long as the peer takes something every 10 s, then ends the
  /// output, then reads and drops for 1 s at most. Does not wait. A pending read throws
  /// connection_closed.
  void close();

  /// Resets the connection now; what is queued is dropped. Whoever waits on it gets
  /// connection_closed with `why`.
  void abort(std::string why = "aborted");

  /// Whether close() or abort() was called, or the connection broke.
  bool is_closed() const;

  /// The peer's address, and ours.
  const address& remote() const;
  const address& local() const;

  /// Who is at the other end of a Unix socket, as the kernel tells. In a simulation whoever
  /// simulated_host::runs_as() says.
  ///
  /// @throws std::logic_error   It is no Unix socket: see local().is_unix().
  /// @throws connection_closed  The socket is closed.
  cetane::peer_credentials peer_credentials() const;

  /// Bytes that wait to be sent.
  std::size_t queued_bytes() const;

  /// Closes the connection when no byte went either way for this long; a pending read throws
  /// connection_closed. Zero: never.
  connection& idle_timeout(any_duration span);

  /// Names the connection in logs and dumps.
  connection& label(std::string text);

  /// Replaces the limits; by default those of the service.
  connection& limits(const connection_limits& limits);

  explicit operator bool() const noexcept { return stream_ != nullptr; }

 private:
  friend detail::stream;

  detail::stream& stream() const {
    if (stream_ == nullptr) [[unlikely]]
      throw_empty();
    return *stream_;
  }
  [[noreturn]] static void throw_empty();

  detail::stream* stream_ = nullptr;
};

}  // namespace cetane
