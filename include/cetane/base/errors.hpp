#pragma once

#include <cetane/base/clock.hpp>
#include <cetane/base/config.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>

namespace cetane {

/// Failures that no operating system call reports. The system's own come as errno in
/// std::system_category().
enum class errc : std::uint8_t {
  end_of_input = 1,  ///< the peer ended its output
  closed_here,       ///< this side closed or aborted the connection
  timed_out,         ///< equals std::errc::timed_out
  message_too_long,  ///< equals std::errc::message_size
  queue_closed,
  fell_behind,
};

CETANE_API const std::error_category& cetane_category() noexcept;
/// Codes of getaddrinfo (EAI_NONAME and so on).
CETANE_API const std::error_category& resolve_category() noexcept;

[[nodiscard]] inline std::error_code make_error_code(errc code) noexcept {
  return {static_cast<int>(code), cetane_category()};
}

/// Makes a code of an errno value, or of a system call's negative return code.
[[nodiscard]] inline std::error_code system_code(int number) noexcept {
  return {number < 0 ? -number : number, std::system_category()};
}

}  // namespace cetane

template <>
struct std::is_error_code_enum<cetane::errc> : std::true_type {};

namespace cetane {

/// Says why, as the second half of a sentence: "connection refused".
[[nodiscard]] CETANE_API std::string reason_text(std::error_code why);

/// The failures of the world. what() says what was tried, on what, and why it failed: "connect to
/// 127.0.0.1:1: connection refused".
///
/// Copies share their text, so copying does not throw.
class CETANE_API error : public std::system_error {
 public:
  /// Marks a text that is the whole message already, remedy included.
  struct whole_text {
    explicit whole_text(std::string words) : text(std::move(words)) {}
    std::string text;
  };

  /// @param tried  What was tried and on what: "connect to 127.0.0.1:1".
  error(std::string_view tried, std::error_code why);
  error(const whole_text& message, std::error_code why);
  ~error() override;

  [[nodiscard]] const char* what() const noexcept override;

 private:
  std::runtime_error text_;  // for its string, which copies share
};

/// A connection could not be made, or does not work any more.
class CETANE_API connection_error : public error {
 public:
  using error::error;
  ~connection_error() override;
};

/// The connection ended before an operation on it was done. Of a handler's own connection this is
/// the normal end of the handler.
class CETANE_API connection_closed : public connection_error {
 public:
  /// @param tried     What was tried, without the peer: "read a line from".
  /// @param peer      Whom it was tried on, as its address prints.
  /// @param leftover  Bytes that had arrived and that nobody has read.
  connection_closed(std::string_view tried, std::string peer, std::string leftover,
                    std::error_code why = errc::end_of_input);
  ~connection_closed() override;

  /// What had arrived of the message that did not become complete.
  [[nodiscard]] const std::string& leftover() const noexcept { return details_->leftover; }
  [[nodiscard]] const std::string& peer() const noexcept { return details_->peer; }

 private:
  struct details {
    std::string peer;
    std::string leftover;
  };
  std::shared_ptr<const details> details_;
};

/// A connection could not be made.
class CETANE_API connect_error : public connection_error {
 public:
  using connection_error::connection_error;
  ~connect_error() override;
};

/// The time for making a connection, the name's resolution included, ran out.
class CETANE_API connect_timeout : public connect_error {
 public:
  /// @param tried   For example "connect to example.org:80".
  /// @param so_far  What had come of it: "10.0.0.2:80: no answer".
  connect_timeout(std::string_view tried, duration limit, std::string_view so_far = {});
  ~connect_timeout() override;
};

/// A name has no address, or nobody could be asked for it.
class CETANE_API resolve_error : public connection_error {
 public:
  /// @param code          What getaddrinfo returned.
  /// @param errno_number  errno, which counts when `code` is EAI_SYSTEM.
  resolve_error(std::string_view host, int code, int errno_number = 0);
  ~resolve_error() override;
};

/// Encryption failed: handshake, certificate, or a broken record.
class CETANE_API tls_error : public connection_error {
 public:
  using connection_error::connection_error;
  ~tls_error() override;
};

/// A deadline passed; says whose.
class CETANE_API timed_out : public error {
 public:
  /// @param what   What did not end in time: "read a line from 127.0.0.1:4000".
  /// @param limit  How long it had.
  timed_out(std::string_view what, duration limit);
  /// For a deadline that was given as a point of time.
  explicit timed_out(std::string_view what);
  ~timed_out() override;
};

/// A message is longer than the limit for it.
class CETANE_API message_too_long : public error {
 public:
  /// @param what  What was read: "read a line from 127.0.0.1:4000".
  /// @param cure  How to raise the limit: "until_eol(limit)".
  message_too_long(std::string_view what, std::size_t limit_bytes, std::string_view cure);
  /// For a limit that nobody can raise.
  message_too_long(const whole_text& message, std::size_t limit_bytes);
  ~message_too_long() override;

  [[nodiscard]] std::size_t limit_bytes() const noexcept { return limit_bytes_; }

 private:
  std::size_t limit_bytes_;
};

/// A queue is closed, and empty if it was read from.
class CETANE_API queue_closed : public error {
 public:
  /// @param tried  For example "get from queue jobs".
  explicit queue_closed(std::string_view tried);
  ~queue_closed() override;
};

/// A subscriber took its messages too slowly.
class CETANE_API fell_behind : public error {
 public:
  /// @param who    Who did: "subscriber of talk".
  /// @param limit  How many messages may wait.
  fell_behind(std::string_view who, std::size_t limit);
  ~fell_behind() override;
};

/// A second reader or a second writer on one connection, which has one of each at a time: a mistake
/// in the program.
class CETANE_API connection_busy : public std::logic_error {
 public:
  /// @param tried  What was tried: "read from 127.0.0.1:4000".
  /// @param role   Who is there already: "reader" or "writer".
  connection_busy(std::string_view tried, std::string_view role);
  ~connection_busy() override;
};

/// A second call of a client while one is under way: a mistake in the program.
class CETANE_API client_busy : public std::logic_error {
 public:
  /// @param tried      What was called: "ask db.example:5432".
  /// @param under_way  The call that is not over.
  client_busy(std::string_view tried, std::string_view under_way);
  ~client_busy() override;
};

/// Who asked for a cancellation.
enum class cancel_reason : std::uint8_t {
  none,      ///< nobody
  user,      ///< a call of cancel()
  timeout,   ///< a deadline of the scope or of one around it
  sibling,   ///< another task of the group failed, or won the race
  parent,    ///< the task that this one belongs to ended
  shutdown,  ///< the application stops
};

[[nodiscard]] CETANE_API const char* to_string(cancel_reason reason) noexcept;

/// Thrown out of an await in a cancelled scope.
///
/// No std::exception: a handler that catches and logs every error must not swallow it. Who catches
/// it for clean-up throws it on.
struct CETANE_API cancelled {
  explicit cancelled(cancel_reason why) noexcept : reason(why) {}

  [[nodiscard]] const char* what() const noexcept;

  cancel_reason reason;
};

}  // namespace cetane
