#pragma once

#include <cetane/base/config.hpp>
#include <cetane/conc/selectable.hpp>
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
  enum class shape : std::uint8_t { line, mark, exactly, to_end, some };

  read_request(stream& from, shape what, std::size_t size, std::string_view end = {}) noexcept
      : source(&from), size(size), mark(end), want(what) {}

  stream* source;
  std::size_t size;       // exactly: how many bytes; else the limit
  std::string_view mark;  // mark: what the message ends with
  std::size_t taken = 0;  // bytes of the message once it is complete
  shape want;
  bool complete = false;
  bool too_long = false;
  bool ended = false;    // the input ended first
  bool refused = false;  // an arm of first(): somebody else reads
};

// The reads, out of line: see src/net/stream_input.cpp. begin_* says whether the task has to wait.
CETANE_API bool begin_read(read_request& request, std::coroutine_handle<> frame,
                           task_context& task);
CETANE_API bool begin_some(stream& source, std::coroutine_handle<> frame, task_context& task);
CETANE_API std::string finish_read(read_request& request);
CETANE_API std::optional<std::string> finish_line(read_request& request);
CETANE_API chunk finish_some(stream& source);
CETANE_API std::optional<chunk> finish_next_chunk(stream& source);

// The same in two phases, for first(): see selectable.
CETANE_API bool poll_read(read_request& request) noexcept;
CETANE_API bool arm_read(read_request& request, task_context& task) noexcept;
CETANE_API bool read_fails_again(const read_request& request) noexcept;
CETANE_API void disarm_read(read_request& request) noexcept;
CETANE_API std::string describe_read(const read_request& request);

// How the result of an arm is taken, by its type.
template <class T>
struct read_result;
template <>
struct read_result<std::string> {
  static std::string take(read_request& request) { return finish_read(request); }
};
template <>
struct read_result<std::optional<std::string>> {
  static std::optional<std::string> take(read_request& request) { return finish_line(request); }
};
template <>
struct read_result<chunk> {
  static chunk take(read_request& request) { return finish_some(*request.source); }
};
template <>
struct read_result<std::optional<chunk>> {
  static std::optional<chunk> take(read_request& request) {
    return finish_next_chunk(*request.source);
  }
};

}  // namespace detail

template <class T>
class read_wait;

/// A read of a connection, made by its members and awaited: `co_await peer.until_eol()`.
///
/// Holds no data and no frame. Awaiting it suspends until the message is complete; it consumes the
/// message and nothing else, and nothing at all when it throws connection_closed or is cancelled.
template <class T>
class [[nodiscard("a read does nothing until it is awaited")]] read_op;

template <>
class [[nodiscard("a read does nothing until it is awaited")]] read_op<std::string> {
 public:
  using select_type = read_wait<std::string>;

  explicit read_op(const detail::read_request& request) noexcept : request_(request) {}
  bool await_ready() const noexcept { return false; }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> frame) {
    return detail::begin_read(request_, frame, *frame.promise().context);
  }
  std::string await_resume() { return detail::finish_read(request_); }

 private:
  friend select_type;

  detail::read_request request_;
};

template <>
class [[nodiscard("a read does nothing until it is awaited")]] read_op<std::optional<std::string>> {
 public:
  using select_type = read_wait<std::optional<std::string>>;

  explicit read_op(const detail::read_request& request) noexcept : request_(request) {}
  bool await_ready() const noexcept { return false; }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> frame) {
    return detail::begin_read(request_, frame, *frame.promise().context);
  }
  std::optional<std::string> await_resume() { return detail::finish_line(request_); }

 private:
  friend select_type;

  detail::read_request request_;
};

template <>
class [[nodiscard("a read does nothing until it is awaited")]] read_op<chunk> {
 public:
  using select_type = read_wait<chunk>;

  explicit read_op(detail::stream & source) noexcept : source_(&source) {}
  bool await_ready() const noexcept { return false; }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> frame) {
    return detail::begin_some(*source_, frame, *frame.promise().context);
  }
  chunk await_resume() { return detail::finish_some(*source_); }

 private:
  friend select_type;

  detail::stream* source_;
};

template <>
class [[nodiscard("a read does nothing until it is awaited")]] read_op<std::optional<chunk>> {
 public:
  using select_type = read_wait<std::optional<chunk>>;

  explicit read_op(detail::stream & source) noexcept : source_(&source) {}
  bool await_ready() const noexcept { return false; }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> frame) {
    return detail::begin_some(*source_, frame, *frame.promise().context);
  }
  std::optional<chunk> await_resume() { return detail::finish_next_chunk(*source_); }

 private:
  friend select_type;

  detail::stream* source_;
};

/// A read as an arm of first().
///
/// Waiting for one is what awaiting a read does; but the connection is told who waits by an object
/// that can stop waiting without having been cancelled. What has come of a message that loses stays
/// where it is, and so does how far it was searched.
template <class T>
class read_wait final : public selectable {
 public:
  explicit read_wait(const read_op<T>& op) noexcept : request_(request_of(op)) {}
  ~read_wait() = default;

  bool poll() noexcept { return detail::poll_read(request_); }
  bool had_turn() const noexcept { return detail::read_fails_again(request_); }
  void arm() noexcept {
    if (detail::arm_read(request_, task())) wake();
  }
  void disarm() noexcept { detail::disarm_read(request_); }
  T commit() { return detail::read_result<T>::take(request_); }
  std::string describe_wait() const { return detail::describe_read(request_); }

 private:
  static detail::read_request request_of(const read_op<T>& op) noexcept {
    if constexpr (requires { op.request_; }) {
      return op.request_;
    } else {
      return detail::read_request(*op.source_, detail::read_request::shape::some, 0);
    }
  }

  detail::read_request request_;
};

}  // namespace cetane
