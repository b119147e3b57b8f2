#pragma once

#include <cetane/base/config.hpp>
#include <cetane/coro/task_context.hpp>
#include <cetane/runtime/chunk.hpp>

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace cetane {

/// What ends a line.
enum class line_end : std::uint8_t {
  any,   ///< LF, or CR and LF
  crlf,  ///< CR and LF, nothing else
};

namespace detail {

class stream;

/// What a reader wants of a connection's input.
struct read_request {
  enum class shape : std::uint8_t { line, mark, exactly, to_end };

  read_request(stream& from, shape what, std::size_t size, std::string_view end = {}) noexcept
      : source(&from), size(size), mark(end), want(what) {}

  stream* source;
  std::size_t size;       // exactly: how many bytes; else the limit
  std::string_view mark;  // mark: what the message ends with
  std::size_t taken = 0;  // bytes of the message once it is complete
  shape want;
  bool complete = false;
  bool too_long = false;
  bool ended = false;  // the input ended first
};

// The reads, out of line: see src/net/stream_input.cpp. begin_* says whether the task has to wait.
CETANE_API bool begin_read(read_request& request, std::coroutine_handle<> frame,
                           task_context& task);
CETANE_API bool begin_some(stream& source, std::coroutine_handle<> frame, task_context& task);
CETANE_API std::string finish_read(read_request& request);
CETANE_API std::optional<std::string> finish_line(read_request& request);
CETANE_API chunk finish_some(stream& source);
CETANE_API std::optional<chunk> finish_next_chunk(stream& source);

}  // namespace detail

/// A read of a connection, made by its members and awaited: `co_await peer.until_eol()`.
///
/// Holds no data and no frame. Awaiting it suspends until the message is complete; it consumes the
/// message and nothing else, and nothing at all when it throws connection_closed or is cancelled.
template <class T>
class [[nodiscard("a read does nothing until it is awaited")]] read_op;

template <>
class [[nodiscard("a read does nothing until it is awaited")]] read_op<std::string> {
 public:
  explicit read_op(const detail::read_request& request) noexcept : request_(request) {}
  bool await_ready() const noexcept { return false; }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> frame) {
    return detail::begin_read(request_, frame, *frame.promise().context);
  }
  std::string await_resume() { return detail::finish_read(request_); }

 private:
  detail::read_request request_;
};

template <>
class [[nodiscard("a read does nothing until it is awaited")]] read_op<std::optional<std::string>> {
 public:
  explicit read_op(const detail::read_request& request) noexcept : request_(request) {}
  bool await_ready() const noexcept { return false; }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> frame) {
    return detail::begin_read(request_, frame, *frame.promise().context);
  }
  std::optional<std::string> await_resume() { return detail::finish_line(request_); }

 private:
  detail::read_request request_;
};

template <>
class [[nodiscard("a read does nothing until it is awaited")]] read_op<chunk> {
 public:
  explicit read_op(detail::stream & source) noexcept : source_(&source) {}
  bool await_ready() const noexcept { return false; }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> frame) {
    return detail::begin_some(*source_, frame, *frame.promise().context);
  }
  chunk await_resume() { return detail::finish_some(*source_); }

 private:
  detail::stream* source_;
};

template <>
class [[nodiscard("a read does nothing until it is awaited")]] read_op<std::optional<chunk>> {
 public:
  explicit read_op(detail::stream & source) noexcept : source_(&source) {}
  bool await_ready() const noexcept { return false; }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> frame) {
    return detail::begin_some(*source_, frame, *frame.promise().context);
  }
  std::optional<chunk> await_resume() { return detail::finish_next_chunk(*source_); }

 private:
  detail::stream* source_;
};

}  // namespace cetane
